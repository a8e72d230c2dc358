/** A host's receipt, on its way back. */
import { utf8Text } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import { receiptNamespace } from "../gate/activate/receipt.ts";
import { Field } from "../nix/json-fields.ts";
import type { PublicKey } from "../ssh/public-key.ts";
import { verifySignature } from "../ssh/signature.ts";
import { signedData, type SshSig } from "../ssh/sshsig.ts";
import { parseSignedEnvelope } from "../trust/signed-envelope.ts";
import type { Head } from "../trust/warrant/state.ts";

export interface Receipt {
  readonly fleet: string;
  readonly host: string;
  /** Null for an activation at the console. */
  readonly warrant: string | null;
  readonly seq: number | null;
  readonly outcome: string;
  readonly reason: string | null;
  readonly toplevel: string;
  readonly running: string | null;
  readonly ended: string;
  /** What the sender's log ended with when it gave the order: the host bears witness of it. */
  readonly log: Head | null;
}

/** The entry of the log holds it whole. */
export const receiptLimits = { file: 32 << 10, signatures: 4, signature: 16 << 10 } as const;

/**
 * What the host says, when one of its keys has signed it: `keysOf` gives them by the host's name, null for one that nobody knows.
 * `refused` when no signature holds.
 */
export function openReceipt(
  bytes: Uint8Array,
  fleet: string,
  keysOf: (host: string) => readonly PublicKey[] | null,
): Receipt {
  const { payload, signatures } = parseSignedEnvelope(bytes, "the receipt", receiptLimits);
  const top = Field.parse(utf8Text(payload, "the receipt"), "receipt");
  const optional = (name: string): string | null =>
    top.get(name).isNull ? null : plain(top.get(name).string());
  const receipt = {
    fleet: plain(top.get("fleet").string()),
    host: plain(top.get("host").string()),
    warrant: optional("warrant"),
    seq: top.get("seq").isNull ? null : top.get("seq").count(),
    outcome: plain(top.get("outcome").string()),
    reason: optional("reason"),
    toplevel: plain(top.get("toplevel").string()),
    running: optional("running"),
    ended: plain(top.get("ended").string()),
    log: headOf(top.get("log")),
  };
  if (receipt.fleet !== fleet)
    throw new NixsealError("refused", `the receipt is of the fleet '${receipt.fleet}', not of '${fleet}'`);
  const keys = keysOf(receipt.host);
  if (keys === null) throw new NixsealError("refused", `'${receipt.host}' is no host of the fleet`);
  // All of them: whoever brings it could else add what nobody asked for, and the log would take each as another receipt.
  const signers = signatures.flatMap((one) => signerOf(one, payload, keys) ?? []);
  if (signers.length > 0 && new Set(signers).size === signatures.length) return receipt;
  throw new NixsealError("refused", `no key of ${receipt.host} has signed the receipt`, {
    hint:
      signatures.length === 0
        ? "the host could not read its key: see its journal"
        : "it was changed on the way, or the inventory has another host key: nixseal host show",
  });
}

function headOf(field: Field): Head | null {
  if (field.isNull) return null;
  const digest = field.get("digest").string();
  if (!/^[0-9a-f]{64}$/.test(digest)) throw field.get("digest").wrong("a SHA-256 in hex");
  return { seq: field.get("seq").count(), digest };
}

/** The fingerprint of the host's key that it holds by; null for none. */
function signerOf(signature: SshSig, payload: Uint8Array, keys: readonly PublicKey[]): string | null {
  if (signature.namespace !== receiptNamespace || signature.signer.type === "certificate") return null;
  const { fingerprint } = signature.signer;
  // The inventory's own key verifies, never the one that the signature brings along.
  const key = keys.find((one) => one.fingerprint === fingerprint);
  if (key === undefined) return null;
  const data = signedData(payload, signature);
  return verifySignature(key, data, signature.signature).accepted ? fingerprint : null;
}

/** It goes to terminals and into the log. */
function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "?").slice(0, 2000);
}
