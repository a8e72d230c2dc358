import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { closurePath } from "../../test/support/warrants.ts";
import { concat } from "../core/bytes.ts";
import type { Files } from "../core/file-ports.ts";
import { tarEnd, tarHeader, tarPadding } from "../core/tar.ts";
import { archiveName } from "./bundle.ts";
import { importArchives } from "./bundle-import.ts";

const nar = Buffer.from("what was ordered");
const wanted = {
  ...closurePath("lib"),
  narHash: {
    algorithm: "sha256" as const,
    digest: new Uint8Array(createHash("sha256").update(nar).digest()),
  },
  narSize: nar.length,
};

/** A medium that gives this content under the archive's name. */
function medium(content: Uint8Array): Pick<Files, "stream"> {
  const tar = concat(
    tarHeader(archiveName(wanted), content.length),
    content,
    tarPadding(content.length),
    tarEnd(),
  );
  return {
    stream: async function* () {
      yield gzipSync(tar);
    },
  };
}

async function brought(files: Pick<Files, "stream">, paths: readonly (typeof wanted)[]): Promise<number> {
  let most = 0;
  const importer = {
    add: async (_path: unknown, bytes: AsyncIterable<Uint8Array>) => {
      let size = 0;
      for await (const piece of bytes) most = Math.max(most, (size += piece.length));
    },
  };
  await importArchives(files, "bundle", new Map(paths.map((path) => [path.path, path])), importer).catch(
    (error: unknown) => {
      assert.match(String(error), /changed while it was read/);
    },
  );
  return most;
}

test("a medium that gives something else at the second reading fills neither disk nor memory", async () => {
  const twin = { ...wanted, path: closurePath("twin").path };
  for (const paths of [[wanted], [wanted, twin]]) {
    assert.equal(await brought(medium(nar), paths), nar.length);
    assert.ok((await brought(medium(Buffer.alloc(8 << 20)), paths)) <= nar.length);
    assert.ok((await brought(medium(nar.subarray(1)), paths)) <= nar.length);
  }
});
