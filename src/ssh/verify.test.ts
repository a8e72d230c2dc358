import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
  authenticator,
  certificate,
  certificateBlob,
  fixedKey,
  type CertificateFields,
} from "../../test/support/ssh-artifacts.ts";
import { Keygen } from "../../test/support/ssh-keygen.ts";
import { base64, concat, utf8 } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import { parseAllowedSigners } from "./allowed-signers.ts";
import { formatPublicKey } from "./public-key-line.ts";
import { ed25519PublicKey } from "./public-key.ts";
import { parseRevocations } from "./revocation-file.ts";
import { privateKeySigner, signMessage, type Signer } from "./signer.ts";
import { armorSshSig, digestMessage, parseArmoredSshSig, signedData } from "./sshsig.ts";
import { findPrincipals, verify } from "./verify.ts";
import { string, u32 } from "./wire.ts";

/** One question, put to both. */
interface Case {
  readonly signature: string;
  readonly signers: string;
  readonly principal?: string;
  readonly namespace?: string;
  readonly message?: string;
  readonly revoked?: Uint8Array;
  readonly now?: string;
}

const time = "20260601120000Z";
const date = (text: string) => new Date(text.replace(/(....)(..)(..)(..)(..)(..)Z/, "$1-$2-$3T$4:$5:$6Z"));

function stock(keygen: Keygen, question: Case): "accepted" | "refused" {
  const args = [
    "-Y",
    "verify",
    "-f",
    keygen.write("signers", question.signers),
    "-I",
    question.principal ?? "alice",
  ];
  args.push("-n", question.namespace ?? "file", "-s", keygen.write("signature", question.signature));
  args.push("-O", `verify-time=${question.now ?? time}`);
  if (question.revoked !== undefined) args.push("-r", keygen.write("revoked", question.revoked));
  return keygen.try(args, question.message ?? "message").code === 0 ? "accepted" : "refused";
}

/** The refusal's code, or the error's. */
function ours(question: Case): string {
  try {
    const decision = verify(
      { message: utf8(question.message ?? "message"), signature: parseArmoredSshSig(question.signature) },
      {
        signers: parseAllowedSigners(question.signers),
        principal: question.principal ?? "alice",
        namespace: question.namespace ?? "file",
        revocations: question.revoked === undefined ? undefined : parseRevocations(question.revoked),
      },
      date(question.now ?? time),
    );
    return decision.accepted ? "accepted" : decision.code;
  } catch (error) {
    assert.ok(error instanceof NixsealError, String(error));
    return error.code;
  }
}

async function armored(signer: Signer): Promise<string> {
  return armorSshSig(await signMessage(utf8("message"), "file", signer));
}

const [ca, member] = [fixedKey(1), fixedKey(2)];
const memberLine = `alice ${formatPublicKey(member.publicKey)}\n`;
const caLine = `* cert-authority ${formatPublicKey(ca.publicKey)}\n`;
const withCertificate = (fields: Partial<CertificateFields> = {}) =>
  privateKeySigner(member, certificate({ key: member.publicKey, ca, ...fields }));

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

suite("stricter than the stock verifier, which accepts each of these", () => {
  const cases: Record<string, () => Promise<{ question: Case; refusal: string }>> = {
    "an unknown critical option": async () => ({
      question: {
        signature: await armored(withCertificate({ critical: [["rights@nixseal", "{}"]] })),
        signers: caLine,
      },
      refusal: "critical-option",
    }),
    "force-command": async () => ({
      question: {
        signature: await armored(withCertificate({ critical: [["force-command", "ls"]] })),
        signers: caLine,
      },
      refusal: "critical-option",
    }),
    "source-address": async () => ({
      question: {
        signature: await armored(withCertificate({ critical: [["source-address", "10.0.0.0/8"]] })),
        signers: caLine,
      },
      refusal: "critical-option",
    }),
    "a pattern among a certificate's principals": async () => ({
      question: {
        signature: await armored(withCertificate({ principals: ["alice", "*"] })),
        signers: caLine,
      },
      refusal: "principal",
    }),
    "a pattern as the principal that is asked for": async () => ({
      question: {
        signature: await armored(privateKeySigner(member)),
        signers: memberLine.replace("alice", "*"),
        principal: "*",
      },
      refusal: "principal",
    }),
    "verify-required on a key without an authenticator": async () => ({
      question: {
        signature: await armored(withCertificate({ critical: [["verify-required", null]] })),
        signers: caLine,
      },
      refusal: "no-user-verification",
    }),
    "repeated options": async () => ({
      question: {
        signature: await rawArmor(async (data) =>
          withForeignCertificate(data, {
            extensions: [
              ["a", null],
              ["a", null],
            ],
          }),
        ),
        signers: caLine,
      },
      refusal: "malformed",
    }),
    "junk after END": async () => ({
      question: { signature: `${await armored(privateKeySigner(member))}junk\n`, signers: memberLine },
      refusal: "malformed",
    }),
    "version 0": async () => ({
      question: { signature: await rawArmor(byMember, { version: 0 }), signers: memberLine },
      refusal: "malformed",
    }),
    "a reserved field in use": async () => ({
      question: { signature: await rawArmor(byMember, { reserved: "x" }), signers: memberLine },
      refusal: "malformed",
    }),
    "an S that is not reduced": async () => ({
      question: {
        signature: await rawArmor(async (data) => {
          const made = await byMember(data);
          return { ...made, signature: addOrderToTail(made.signature) };
        }),
        signers: memberLine,
      },
      refusal: "bad-signature",
    }),
    "a key of low order": async () => {
      const neutral = ed25519PublicKey(Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0)));
      const value = concat(neutral.point, new Uint8Array(32));
      const signature = concat(string("ssh-ed25519"), string(value));
      return {
        question: {
          signature: await rawArmor(async () => ({ signer: neutral.blob, signature })),
          signers: `alice ${formatPublicKey(neutral)}`,
        },
        refusal: "weak-key",
      };
    },
    "an sk signature without a touch": async () => {
      const untouched = authenticator(3, 0);
      return {
        question: {
          signature: await rawArmor(async (data) => ({
            signer: untouched.identity.blob,
            signature: await untouched.sign(data),
          })),
          signers: `alice ${formatPublicKey(untouched.identity)}`,
        },
        refusal: "no-user-presence",
      };
    },
    "a malformed line beside a good one": async () => ({
      question: {
        signature: await armored(privateKeySigner(member)),
        signers: `bob nonsense\n${memberLine}`,
      },
      refusal: "malformed",
    }),
    "a day that no calendar has": async () => ({
      question: {
        signature: await armored(privateKeySigner(member)),
        signers: memberLine.replace(" ", ' valid-after="20260230Z" '),
      },
      refusal: "malformed",
    }),
    "an expired certificate in place of a key": async () => {
      const expired = certificate({ key: member.publicKey, ca, validBefore: 1n });
      return {
        question: {
          signature: await armored(privateKeySigner(member, expired)),
          signers: `alice ${expired.certificateType} ${base64(expired.blob)}`,
        },
        refusal: "refused",
      };
    },
  };
  for (const [name, make] of Object.entries(cases)) {
    test(name, async (t) => {
      const { question, refusal } = await make();
      assert.equal(ours(question), refusal);
      assert.equal(
        stock(new Keygen(t), question),
        "accepted",
        "the stock verifier has learned; say so in the docs",
      );
    });
  }

  test("RSA with 1024 bits, and a CA that signs with SHA-1", (t) => {
    const keygen = new Keygen(t);
    keygen.key("k", "rsa", "-b", "1024");
    const short = {
      signature: keygen.run(["-Y", "sign", "-f", "k", "-n", "file"], "message"),
      signers: `alice ${keygen.text("k.pub")}`,
    };
    assert.deepEqual([ours(short), stock(keygen, short)], ["weak-key", "accepted"]);

    keygen.key("ca", "rsa", "-b", "2048");
    keygen.key("m");
    keygen.run(["-q", "-t", "ssh-rsa", "-s", "ca", "-I", "id", "-n", "alice", "m.pub"]);
    const signature = keygen.run(["-Y", "sign", "-f", "m-cert.pub", "-n", "file"], "message");
    const sha1 = { signature, signers: `* cert-authority ${keygen.text("ca.pub")}` };
    assert.deepEqual([ours(sha1), stock(keygen, sha1)], ["ca-signature", "accepted"]);
  });
});

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

interface Raw {
  readonly signer: Uint8Array;
  readonly signature: Uint8Array;
}

/** Armor around anything, for what `armorSshSig` would never write. */
async function rawArmor(
  make: (data: Uint8Array) => Promise<Raw>,
  { version = 1, reserved = "" }: { version?: number; reserved?: string } = {},
): Promise<string> {
  const { signer, signature } = await make(
    signedData(utf8("message"), { namespace: "file", hash: "sha512" }),
  );
  const head = concat(utf8("SSHSIG"), u32(version), string(signer), string("file"), string(reserved));
  const body = base64(concat(head, string("sha512"), string(signature))).match(/.{1,70}/g)!;
  return ["-----BEGIN SSH SIGNATURE-----", ...body, "-----END SSH SIGNATURE-----", ""].join("\n");
}

async function byMember(data: Uint8Array): Promise<Raw> {
  return { signer: member.publicKey.blob, signature: await privateKeySigner(member).sign(data) };
}

async function withForeignCertificate(data: Uint8Array, fields: Partial<CertificateFields>): Promise<Raw> {
  const signer = certificateBlob({ key: member.publicKey, ca, ...fields });
  return { signer, signature: await privateKeySigner(member).sign(data) };
}

function addOrderToTail(signature: Uint8Array): Uint8Array {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const s = signature.subarray(-32).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n) + order;
  const bytes = Uint8Array.from({ length: 32 }, (_, i) => Number((s >> BigInt(8 * i)) & 255n));
  return concat(signature.subarray(0, -32), bytes);
}
