/** No changed byte makes an accepted commit, or a refused one, into another accepted one. Debian: git, gnupg, openssh-client. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { History } from "../../../test/support/git-history.ts";
import { NixsealError } from "../../core/errors.ts";
import { decideSignature } from "./decide-signature.ts";
import { objectIdOf } from "./object-hash.ts";
import type { ObjectFormat } from "./object-id.ts";
import { parseCommit } from "./signed-object.ts";
import { readSigners, type Signers } from "./signers.ts";

async function verdict(body: Uint8Array, signers: Signers, format: ObjectFormat): Promise<string> {
  try {
    const commit = parseCommit(objectIdOf("commit", body, format), body, format);
    const decision = await decideSignature(commit, format, signers, new Date());
    return decision.accepted ? "accepted" : decision.code;
  } catch (error) {
    assert.ok(error instanceof NixsealError, String(error));
    assert.equal(error.code, "malformed");
    return "malformed";
  }
}

for (const format of ["sha1", "sha256"] as const) {
  test(`SSH-signed commits of ${format} repositories`, async (t) => {
    const history = new History(t, format);
    history.commit("first", { key: "alice" });
    const signers = await readSigners(history.line("alice", "alice"));
    const good = Buffer.from(history.body(history.commit("second", { key: "alice" })), "latin1");
    const bad = Buffer.from(history.body(history.commit("third", { key: "mallory" })), "latin1");
    assert.equal(await verdict(good, signers, format), "accepted");
    assert.equal(await verdict(bad, signers, format), "unknown-signer");
    for (const body of [good, bad]) {
      for (let at = 0; at < body.length; at++) {
        for (const bit of [0x01, 0x20, 0x80]) {
          const changed = Buffer.from(body);
          changed[at]! ^= bit;
          assert.notEqual(await verdict(changed, signers, format), "accepted", `byte ${at} xor ${bit}`);
        }
      }
      const position = fc.nat(body.length - 1);
      const edit = fc.tuple(position, fc.nat(3), fc.uint8Array({ maxLength: 3 }));
      await fc.assert(
        fc.asyncProperty(edit, async ([at, removed, added]) => {
          const changed = Buffer.concat([body.subarray(0, at), added, body.subarray(at + removed)]);
          fc.pre(!changed.equals(body));
          assert.notEqual(await verdict(changed, signers, format), "accepted");
        }),
        { numRuns: 1000 },
      );
    }
  });
}

test("OpenPGP-signed commits", async (t) => {
  const history = new History(t);
  const { environment } = history;
  mkdirSync(join(history.home, "gnupg"), { mode: 0o700 });
  t.after(() => spawnSync("gpgconf", ["--kill", "all"], { env: environment }));
  const gpg = (...args: string[]) =>
    spawnSync("gpg", ["--batch", "-q", "--passphrase", "", ...args], { env: environment }).stdout.toString();
  gpg("--quick-gen-key", "alice@example.org", "rsa2048", "sign", "0");
  const signers = await readSigners(gpg("--armor", "--export"));
  const configuration = ["-c", "user.signingkey=alice@example.org"];
  const body = Buffer.from(history.body(history.commit("signed", { configuration })), "latin1");
  assert.equal(await verdict(body, signers, "sha1"), "accepted");
  for (let at = 0; at < body.length; at++) {
    const changed = Buffer.from(body);
    changed[at]! ^= 0x01;
    assert.notEqual(await verdict(changed, signers, "sha1"), "accepted", `byte ${at}`);
  }
  // Inside of the armor, with a checksum that fits: every bit of the packet counts.
  const text = body.toString("latin1");
  const [, armor = ""] = /SIGNATURE-----\n \n([\s\S]*?)\n =/.exec(text) ?? [];
  const packet = Buffer.from(armor.replaceAll("\n ", ""), "base64");
  for (let bit = 0; bit < packet.length * 8; bit++) {
    const changed = Buffer.from(packet);
    changed[bit >> 3]! ^= 1 << (bit & 7);
    const lines = changed.toString("base64").match(/.{1,64}/g)!;
    const other = text.replace(/(SIGNATURE-----\n \n)[\s\S]*?\n =....\n/, `$1 ${lines.join("\n ")}\n`);
    const decision = await verdict(Buffer.from(other, "latin1"), signers, "sha1");
    assert.notEqual(decision, "accepted", `bit ${bit}`);
  }
});
