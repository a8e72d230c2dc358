import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fixedKey } from "../../../test/support/ssh-artifacts.ts";
import { temporaryDirectory } from "../../../test/support/temporary.ts";
import { formatPublicKey } from "../../ssh/public-key-line.ts";
import { files } from "../../system/files.ts";
import { parseSubject } from "./subject.ts";

test("a key by its fingerprint, its line or its file, a serial, a name, a cache's whole key", async (t) => {
  const { publicKey } = fixedKey(1);
  const key = { kind: "key", fingerprint: publicKey.fingerprint };
  const file = join(temporaryDirectory(t), "alice.pub");
  writeFileSync(file, `${formatPublicKey(publicKey, "alice@desk")}\n`);
  for (const text of [publicKey.fingerprint, formatPublicKey(publicKey), file])
    assert.deepEqual(await parseSubject(files, text), key);
  assert.deepEqual(await parseSubject(files, "18446744073709551615"), {
    kind: "serial",
    serial: 2n ** 64n - 1n,
  });
  assert.deepEqual(await parseSubject(files, "alice"), { kind: "name", name: "alice" });
  const cache = `cache.example.org-1:${Buffer.alloc(32, 0xff).toString("base64")}`;
  assert.deepEqual(await parseSubject(files, cache), { kind: "name", name: "cache.example.org-1" });
  for (const text of ["", "-x", "a b", "../..", "SHA256:short"])
    await assert.rejects(parseSubject(files, text), { name: "NixsealError" }, text);
});
