import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { authenticator } from "../../test/support/ssh-artifacts.ts";
import { Keygen } from "../../test/support/ssh-keygen.ts";
import {
  armored,
  ca,
  caLine,
  member,
  memberLine,
  ours,
  stock,
  withCertificate,
  type Case,
} from "../../test/support/ssh-question.ts";
import { utf8 } from "../core/bytes.ts";
import { parseAllowedSigners } from "./allowed-signers.ts";
import { formatPublicKey } from "./public-key-line.ts";
import { privateKeySigner, signMessage } from "./signer.ts";
import { digestMessage } from "./sshsig.ts";
import { verify } from "./verify.ts";

suite("as the stock verifier", () => {
  test("every key type, signed by ssh-keygen and by us", async (t) => {
    const keygen = new Keygen(t);
    for (const [type, bits] of [
      ["ed25519"],
      ["ecdsa", "256"],
      ["ecdsa", "384"],
      ["ecdsa", "521"],
      ["rsa", "2048"],
    ] as const) {
      const name = `${type}${bits ?? ""}`;
      keygen.key(name, type, ...(bits === undefined ? [] : ["-b", bits]));
      const signers = `alice ${keygen.text(`${name}.pub`)}`;
      for (const hash of ["sha256", "sha512"]) {
        const signature = keygen.run(
          ["-Y", "sign", "-f", name, "-n", "file", "-O", `hashalg=${hash}`],
          "message",
        );
        assert.equal(ours({ signature, signers }), "accepted", name);
        assert.equal(ours({ signature, signers, message: "other" }), "bad-signature");
      }
    }
    const signature = await armored(privateKeySigner(member));
    assert.equal(stock(keygen, { signature, signers: memberLine }), "accepted");
  });

  test("lines, options, times, namespaces, certificates and revocations", async (t) => {
    const keygen = new Keygen(t);
    const key = formatPublicKey(member.publicKey);
    const byKey = await armored(privateKeySigner(member));
    const byCertificate = await armored(withCertificate());
    const bySk = await armored(authenticator(3, 1));
    const skLine = `alice ${formatPublicKey(authenticator(3, 1).identity)}`;
    const revokedKey = utf8(`# comment\n\n${key}\n`);
    const questions: [Case, string][] = [
      [{ signature: byKey, signers: memberLine }, "accepted"],
      [{ signature: bySk, signers: skLine }, "accepted"],
      [{ signature: byKey, signers: `# c\n\n  ${memberLine}` }, "accepted"],
      [{ signature: byKey, signers: memberLine.trimEnd() }, "accepted"],
      [{ signature: byKey, signers: memberLine.replaceAll("\n", "\r\n") }, "accepted"],
      [{ signature: byKey, signers: `"alice" ${key} a comment` }, "accepted"],
      [{ signature: byKey, signers: `bob,al* ${key}` }, "accepted"],
      [{ signature: byKey, signers: `*,!alice ${key}` }, "unknown-signer"],
      [{ signature: byKey, signers: memberLine, principal: "Alice" }, "unknown-signer"],
      [{ signature: byKey, signers: caLine }, "unknown-signer"],
      [{ signature: byKey, signers: "" }, "unknown-signer"],
      [{ signature: byKey, signers: memberLine, namespace: "git" }, "namespace"],
      [{ signature: byKey, signers: `alice NAMESPACES="f*,git" ${key}` }, "accepted"],
      [{ signature: byKey, signers: `alice namespaces="git" ${key}` }, "namespace"],
      [{ signature: byKey, signers: `alice namespaces="*,!file" ${key}` }, "namespace"],
      [{ signature: byKey, signers: `alice namespaces="" ${key}` }, "namespace"],
      [{ signature: byKey, signers: `alice namespaces="git" ${key}\nalice ${key}` }, "accepted"],
      [{ signature: byKey, signers: `alice valid-after="20260601120000Z" ${key}` }, "accepted"],
      [{ signature: byKey, signers: `alice valid-after="20260601120001Z" ${key}` }, "not-yet-valid"],
      [
        { signature: byKey, signers: `alice valid-before="202606011200Z",namespaces="file" ${key}` },
        "accepted",
      ],
      [{ signature: byKey, signers: `alice valid-before="20260601115959Z" ${key}` }, "expired"],
      [{ signature: byKey, signers: `alice valid-before="20260601Z" ${key}` }, "expired"],
      [{ signature: byCertificate, signers: caLine }, "accepted"],
      [{ signature: byCertificate, signers: caLine, principal: "bob" }, "principal"],
      [{ signature: byCertificate, signers: caLine.replace("*", "bob") }, "unknown-signer"],
      [{ signature: byCertificate, signers: memberLine }, "unknown-signer"],
      [{ signature: byCertificate, signers: caLine.replace(" cert-authority", "") }, "unknown-signer"],
      [{ signature: byKey, signers: memberLine.replace(" ", " cert-authority ") }, "unknown-signer"],
      [{ signature: await armored(withCertificate({ validBefore: 1n })), signers: caLine }, "expired"],
      [
        { signature: await armored(withCertificate({ validAfter: 2n ** 40n })), signers: caLine },
        "not-yet-valid",
      ],
      [{ signature: await armored(withCertificate({ principals: [] })), signers: caLine }, "principal"],
      [{ signature: await armored(withCertificate({ kind: 2 })), signers: caLine }, "certificate-type"],
      [{ signature: byKey, signers: memberLine, revoked: revokedKey }, "revoked"],
      [{ signature: byCertificate, signers: caLine, revoked: revokedKey }, "revoked"],
      [
        { signature: byCertificate, signers: caLine, revoked: utf8(formatPublicKey(ca.publicKey)) },
        "revoked",
      ],
      [{ signature: byKey, signers: memberLine, revoked: utf8(formatPublicKey(ca.publicKey)) }, "accepted"],
      [{ signature: byKey, signers: memberLine, revoked: utf8("") }, "accepted"],
      [{ signature: byKey, signers: memberLine, revoked: utf8("ssh-ed25519 junk\n") }, "malformed"],
    ];
    for (const [question, expected] of questions) {
      assert.equal(ours(question), expected, question.signers);
      const both = expected === "accepted" ? "accepted" : "refused";
      assert.equal(stock(keygen, question), both, `stock: ${question.signers}`);
    }
  });
});

test("no changed character of an armored signature is accepted", async () => {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\n -";
  const good = await armored(withCertificate());
  assert.equal(ours({ signature: good, signers: caLine }), "accepted");
  for (let at = 0; at < good.length; at++) {
    const other = alphabet[(at * 7) % alphabet.length]!;
    const signature = good.slice(0, at) + (other === good[at] ? "!" : other) + good.slice(at + 1);
    assert.notEqual(ours({ signature, signers: caLine }), "accepted", `character ${at}`);
    // Without its last line end it is the same signature, as git keeps it.
    if (at === good.length - 1) continue;
    assert.notEqual(ours({ signature: good.slice(0, at), signers: caLine }), "accepted");
  }
});

test("a line is good until its last second ends", async () => {
  const signature = await signMessage(utf8("message"), "file", privateKeySigner(member));
  const signers = parseAllowedSigners(memberLine.replace(" ", ' valid-before="20260601120000Z" '));
  const at = (now: string) =>
    verify(
      { message: utf8("message"), signature },
      { signers, principal: "alice", namespace: "file" },
      new Date(now),
    );
  assert.equal(at("2026-06-01T12:00:00.999Z").accepted, true);
  assert.equal(at("2026-06-01T12:00:01.000Z").accepted, false);
});

test("a digest made with another hash than the signature's is a bug of the caller", async () => {
  const signature = await signMessage(utf8("message"), "file", privateKeySigner(member), "sha256");
  const pieces = async function* () {
    yield utf8("mess");
    yield utf8("age");
  };
  const policy = { signers: parseAllowedSigners(memberLine), principal: "alice", namespace: "file" };
  const message = await digestMessage(pieces(), "sha256");
  assert.equal(verify({ message, signature }, policy, new Date()).accepted, true);
  const other = await digestMessage(pieces(), "sha512");
  assert.throws(() => verify({ message: other, signature }, policy, new Date()), { code: "bug" });
});
