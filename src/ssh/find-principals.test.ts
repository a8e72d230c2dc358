import assert from "node:assert/strict";
import { test } from "node:test";
import { Keygen } from "../../test/support/ssh-keygen.ts";
import { armored, caLine, date, member, time, withCertificate } from "../../test/support/ssh-question.ts";
import { utf8 } from "../core/bytes.ts";
import { parseAllowedSigners } from "./allowed-signers.ts";
import { formatPublicKey } from "./public-key-line.ts";
import { parseRevocations } from "./revocation-file.ts";
import { privateKeySigner } from "./signer.ts";
import { parseArmoredSshSig } from "./sshsig.ts";
import { findPrincipals } from "./verify.ts";

test("find-principals answers as ssh-keygen does", async (t) => {
  const keygen = new Keygen(t);
  const key = formatPublicKey(member.publicKey);
  const byKey = await armored(privateKeySigner(member));
  const byCertificate = await armored(withCertificate({ principals: ["alice", "bob", "carol"] }));
  for (const [signature, signers, expected] of [
    [byKey, `a*,b ${key}\nc ${key}\n`, ["a*", "b"]],
    [byKey, `x valid-before="20200101Z" ${key}\nc ${key}\n`, ["c"]],
    [byKey, caLine, "unknown-signer"],
    [byCertificate, caLine.replace("*", "alice,b*"), ["alice", "bob"]],
    [byCertificate, caLine.replace("*", "dave"), "principal"],
    [await armored(withCertificate({ validBefore: 1n })), caLine, "expired"],
  ] as const) {
    const found = findPrincipals(
      parseArmoredSshSig(signature),
      { signers: parseAllowedSigners(signers) },
      date(time),
    );
    const args = [
      "-Y",
      "find-principals",
      "-s",
      keygen.write("s", signature),
      "-f",
      keygen.write("f", signers),
    ];
    const { code, stdout } = keygen.try([...args, "-O", `verify-time=${time}`]);
    if (!Array.isArray(found)) assert.deepEqual([found.code, code === 0], [expected, false]);
    else assert.deepEqual([found, stdout.trim().split("\n")], [expected, expected]);
  }
});

test("find-principals honours negation, which ssh-keygen forgets, and revocation", async () => {
  const signature = parseArmoredSshSig(await armored(withCertificate({ principals: ["alice", "root"] })));
  const signers = parseAllowedSigners(caLine.replace("*", "*,!root"));
  assert.deepEqual(findPrincipals(signature, { signers }, date(time)), ["alice"]);
  const revocations = parseRevocations(utf8(formatPublicKey(member.publicKey)));
  const found = findPrincipals(signature, { signers, revocations }, date(time));
  assert.ok(!Array.isArray(found) && found.code === "revoked");
});
