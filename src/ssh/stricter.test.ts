import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
  authenticator,
  certificate,
  certificateBlob,
  type CertificateFields,
} from "../../test/support/ssh-artifacts.ts";
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
import { base64, concat, utf8 } from "../core/bytes.ts";
import { formatPublicKey } from "./public-key-line.ts";
import { ed25519PublicKey } from "./public-key.ts";
import { privateKeySigner } from "./signer.ts";
import { signedData } from "./sshsig.ts";
import { string, u32 } from "./wire.ts";

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
