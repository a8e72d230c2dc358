/** A secrets order: made for one host, signed, and kept in a file until enough members have. */
import { NixsealError } from "../../core/errors.ts";
import {
  encodeOrder,
  formatSecretsEnvelope,
  orderDigest,
  orderLimits,
  parseSecretsEnvelope,
  secretsNamespace,
  type SecretsEnvelope,
  type SecretsOrder,
} from "../../gate/secrets/order.ts";
import type { Candidate } from "../../inventory/selector-entry.ts";
import { signWithKeygen } from "../../trust/root/sign.ts";
import { judgeMembers, type SignatureVerdict } from "../../trust/warrant/signatures.ts";
import type { Context } from "../op.ts";
import type { OpenTrust } from "../trust/open.ts";
import { findMember, type SignerChoice } from "../warrant/add-signature.ts";

/** Null where there is no such file. */
export async function readOrder(
  { files }: Pick<Context, "files">,
  path: string,
): Promise<SecretsEnvelope | null> {
  if ((await files.status(path)) === null) return null;
  return parseSecretsEnvelope(await files.read(path, { limit: orderLimits.file }));
}

export async function keepOrder(
  { files }: Pick<Context, "files">,
  path: string,
  envelope: SecretsEnvelope,
): Promise<void> {
  await files.writeAtomic(path, formatSecretsEnvelope(envelope), { mode: 0o644 });
}

export function unsigned(order: SecretsOrder): SecretsEnvelope {
  const payload = encodeOrder(order);
  return { payload, order, digest: orderDigest(payload), signatures: [] };
}

export function judged(
  envelope: SecretsEnvelope,
  { root, krl, now }: OpenTrust,
  host: Candidate,
): SignatureVerdict[] {
  return judgeMembers(envelope, secretsNamespace, null, host, { root, revocations: krl, now });
}

/** With the caller's signature, which counts; as it is when that is there already. `consent` throws when it is not given. */
export async function addOwnSignature(
  context: Context,
  directory: string,
  trust: OpenTrust,
  host: Candidate,
  envelope: SecretsEnvelope,
  choice: SignerChoice,
  consent: (principal: string) => Promise<void>,
): Promise<SecretsEnvelope> {
  const { keyFile, key, certificate } = await findMember(context, directory, trust, null, [host], choice);
  const principal = certificate.principals[0]!;
  const before = judged(envelope, trust, host);
  if (before.some((one) => one.accepted && (one.principal === principal || one.key === key.fingerprint)))
    return envelope;
  await consent(principal);
  const signature = await signWithKeygen(context, envelope.payload, secretsNamespace, keyFile);
  // As with warrants: the certificate speaks for the key, which may be in an agent or a token that knows none.
  const signed = { ...envelope, signatures: [...envelope.signatures, { ...signature, signer: certificate }] };
  const own = judged(signed, trust, host).at(-1)!;
  if (own.accepted) return signed;
  throw new NixsealError("refused", `the signature would not count: ${own.reason} [${own.code}]`);
}
