/** The same question about a signature, put to `ssh-keygen -Y verify` and to ours. */
import assert from "node:assert/strict";
import { utf8 } from "../../src/core/bytes.ts";
import { NixsealError } from "../../src/core/errors.ts";
import { parseAllowedSigners } from "../../src/ssh/allowed-signers.ts";
import { formatPublicKey } from "../../src/ssh/public-key-line.ts";
import { parseRevocations } from "../../src/ssh/revocation-file.ts";
import { privateKeySigner, signMessage, type Signer } from "../../src/ssh/signer.ts";
import { armorSshSig, parseArmoredSshSig } from "../../src/ssh/sshsig.ts";
import { verify } from "../../src/ssh/verify.ts";
import { certificate, fixedKey, type CertificateFields } from "./ssh-artifacts.ts";
import type { Keygen } from "./ssh-keygen.ts";

/** One question, put to both verifiers. */
export interface Case {
  readonly signature: string;
  readonly signers: string;
  readonly principal?: string;
  readonly namespace?: string;
  readonly message?: string;
  readonly revoked?: Uint8Array;
  readonly now?: string;
}

export const time = "20260601120000Z";
export const date = (text: string) =>
  new Date(text.replace(/(....)(..)(..)(..)(..)(..)Z/, "$1-$2-$3T$4:$5:$6Z"));

export function stock(keygen: Keygen, question: Case): "accepted" | "refused" {
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
export function ours(question: Case): string {
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

export async function armored(signer: Signer): Promise<string> {
  return armorSshSig(await signMessage(utf8("message"), "file", signer));
}

export const [ca, member] = [fixedKey(1), fixedKey(2)];
export const memberLine = `alice ${formatPublicKey(member.publicKey)}\n`;
export const caLine = `* cert-authority ${formatPublicKey(ca.publicKey)}\n`;
export const withCertificate = (fields: Partial<CertificateFields> = {}) =>
  privateKeySigner(member, certificate({ key: member.publicKey, ca, ...fields }));
