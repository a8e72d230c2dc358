import assert from "node:assert/strict";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../test/support/temporary.ts";
import { files } from "../system/files.ts";
import { handInReceipts } from "./hand-in.ts";
import type { PullConfig } from "./pull-config.ts";
import type { SourceWorld } from "./pull-source.ts";

function host(context: Parameters<typeof temporaryDirectory>[0]) {
  const root = temporaryDirectory(context);
  for (const name of ["stick", "kept", "state"]) mkdirSync(join(root, name));
  const world = {
    files,
    paths: { root, receipts: join(root, "kept") },
    config: { host: "web" },
  } as unknown as SourceWorld;
  const config = (source: PullConfig["source"], report: string | null): PullConfig => ({
    source,
    cache: null,
    substitute: false,
    report,
  });
  return {
    stick: () =>
      handInReceipts(
        world,
        config({ kind: "directory", path: "/stick", removable: true }, null),
        join(root, "state"),
      ),
    write: (name: string, text = "{}") => writeFileSync(join(root, "kept", `${name}.json`), text),
    get there(): string[] {
      return readdirSync(join(root, "stick/receipts/web")).map((name) => name.slice(0, 4));
    },
  };
}

test("a clock that once was ahead keeps no later receipt from being handed in", async (t) => {
  const web = host(t);
  web.write("20990101T000000Z-1-a");
  assert.equal(await web.stick(), null);
  web.write("20261122T070000Z-2-b");
  assert.equal(await web.stick(), null);
  assert.deepEqual(web.there, ["2026", "2099"]);
});

test("what was handed in is not again, and of very many the newest are", async (t) => {
  const web = host(t);
  for (let year = 2001; year <= 2020; year++) web.write(`${year}0101T000000Z-1-a`);
  await web.stick();
  assert.equal(web.there.length, 16);
  assert.equal(web.there[0], "2005");
  await web.stick();
  assert.equal(web.there.length, 16);
  web.write("20210101T000000Z-2-b");
  await web.stick();
  assert.equal(web.there.length, 17);
});
