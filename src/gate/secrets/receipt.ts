/** What a host says after it followed a secrets order, signed with its host key. */
import { utf8, utf8Text } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import { Field } from "../../nix/json-fields.ts";
import type { PublicKey } from "../../ssh/public-key.ts";
import { verifySignature } from "../../ssh/signature.ts";
import { signedData, type SshSig } from "../../ssh/sshsig.ts";
import { parseSignedEnvelope } from "../../trust/signed-envelope.ts";

export const secretsReceiptNamespace = "nixseal-secrets-receipt@v1";

const limits = { file: 1 << 20, signatures: 4, signature: 16 << 10 } as const;

export interface SecretsReceipt {
  readonly changed: readonly string[];
  readonly failed: readonly string[];
}

/** `refused` unless one of the host's keys signed it, for this very order. */
export function openSecretsReceipt(
  text: string,
  about: { readonly fleet: string; readonly host: string; readonly order: string },
  keys: readonly PublicKey[],
): SecretsReceipt {
  const { payload, signatures } = parseSignedEnvelope(utf8(text), "the receipt", limits);
  if (!signatures.some((signature) => holds(signature, payload, keys)))
    throw new NixsealError("refused", `no key of ${about.host} has signed the receipt`, {
      hint: "see the host's journal: it may not have read its key",
    });
  const top = Field.parse(utf8Text(payload, "the receipt"), "receipt");
  for (const name of ["fleet", "host", "order"] as const)
    if (top.get(name).string() !== about[name])
      throw new NixsealError("refused", `the receipt is for another ${name}`);
  const names = (field: string): string[] =>
    top
      .get(field)
      .items()
      .map((one) => one.string());
  return { changed: names("changed"), failed: names("failed") };
}

function holds(signature: SshSig, payload: Uint8Array, keys: readonly PublicKey[]): boolean {
  if (signature.namespace !== secretsReceiptNamespace || signature.signer.type === "certificate")
    return false;
  const { fingerprint } = signature.signer;
  // The inventory's own key verifies, never the one that the signature brings along.
  const key = keys.find((one) => one.fingerprint === fingerprint);
  if (key === undefined) return false;
  return verifySignature(key, signedData(payload, signature), signature.signature).accepted;
}
