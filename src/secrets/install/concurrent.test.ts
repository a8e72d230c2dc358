import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { copyFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { InstallHost } from "../../../test/support/install-host.ts";
import type { Files } from "../../core/file-ports.ts";
import { files } from "../../system/files.ts";
import { nothingPushed } from "../pushed.ts";
import type { PushedStore } from "./begin.ts";

const digestOf = (text: string): string => createHash("sha256").update(text).digest("hex");

/** Something else comes and goes before a run that has begun has the lock. */
function meanwhile(work: () => Promise<unknown>): Files {
  return {
    ...files,
    lock: async (path, options) => {
      await work();
      return files.lock(path, options);
    },
  };
}

function installed(t: TestContext) {
  const host = new InstallHost(t);
  host.declare({ db: { value: "1" } });
  const directory = dirname(host.manifest);
  writeFileSync(join(directory, `${digestOf("sealed:2")}.age`), "sealed:2");
  const value = { name: "db", digest: digestOf("sealed:2"), replaces: [digestOf("sealed:1")] };
  const pushed: PushedStore = { directory, values: { v: 1, seq: 1, values: [value] } };
  return { host, directory, pushed };
}

test("an installation that began before a push does not put the former value back", async (t) => {
  const { host, directory, pushed } = installed(t);
  let now: PushedStore = { directory, values: nothingPushed };
  const current = () => Promise.resolve(now);
  const push = (): Promise<unknown> => {
    now = pushed;
    return host.install({ pushed: current });
  };
  await host.install({ pushed: current }, meanwhile(push));
  assert.equal(host.read("db"), "2");
});

test("a push that began before another system's installation does not put the former system's secrets back", async (t) => {
  const { host, directory, pushed } = installed(t);
  await host.install();
  const former = join(directory, "former.json");
  copyFileSync(host.manifest, former);
  await host.install({ manifest: former });
  host.declare({ db: { value: "1" }, web: { value: "new" } });
  const push = host.install(
    { manifest: former, over: former, pushed: () => Promise.resolve(pushed) },
    meanwhile(() => host.install()),
  );
  await assert.rejects(push, { code: "stale" });
  assert.equal(host.read("web"), "new");
});
