import assert from "node:assert/strict";
import { test } from "node:test";
import { NixsealError } from "../../core/errors.ts";
import type { FileStatus } from "../../core/file-ports.ts";
import { checkDirectory } from "./check-directory.ts";

const status: FileStatus = {
  kind: "file",
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 1,
  links: 1,
  device: 1,
  inode: 1,
  modified: new Date(0),
};

test("a file that cannot be read is a finding, and the next one is still looked at", async () => {
  const findings = await checkDirectory(
    {
      list: async () => ["a.age", "b.age"],
      statusOfLink: async () => status,
      stream: async function* (path) {
        if (path.endsWith("a.age")) throw new NixsealError("io", "permission denied");
        yield Buffer.from("plain");
      },
      read: async () => new Uint8Array(),
    },
    "/fleet",
    new Set(["a", "b"]),
  );
  assert.deepEqual(
    findings.map(({ id, file }) => `${id} ${file}`),
    ["unreadable secrets/a.age", "plaintext secrets/b.age"],
  );
});
