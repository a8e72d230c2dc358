import { NixsealError } from "../../core/errors.ts";
import type { Random } from "../../core/ports.ts";
import { fileKeySize } from "./file-key.ts";
import { encodeHeader, verifyHeaderMac, type Header } from "./header.ts";
import type { Identity } from "./identity.ts";
import { limits } from "./limits.ts";
import type { Recipient } from "./recipient.ts";
import { scryptType } from "./scrypt.ts";
import { isArgument, type Stanza } from "./stanza.ts";

/**
 * The file key that the first fitting identity opens; the header's MAC holds when this returns.
 * `refused` when no identity is one of the file's recipients.
 */
export async function openHeader(header: Header, identities: readonly Identity[]): Promise<Uint8Array> {
  for (const identity of identities) {
    const fileKey = await identity.unwrapFileKey(header.stanzas);
    if (fileKey === null) continue;
    if (fileKey.length !== fileKeySize)
      throw new NixsealError("malformed", `file key has ${fileKey.length} bytes, not ${fileKeySize}`);
    verifyHeaderMac(header, fileKey);
    return fileKey;
  }
  throw notForUs(header);
}

/** A fresh file key and the header that wraps it for every recipient. */
export async function sealHeader(
  recipients: readonly Recipient[],
  random: Random,
): Promise<{ fileKey: Uint8Array; header: Uint8Array }> {
  if (recipients.length === 0)
    throw new NixsealError("usage", "no recipients", { hint: "nobody could read the file" });
  const fileKey = random.bytes(fileKeySize);
  const stanzas: Stanza[] = [];
  for (const recipient of recipients) {
    const wrapped = recipient.wrapFileKey(fileKey);
    stanzas.push(...(wrapped instanceof Promise ? await wrapped : wrapped));
  }
  requireSameLabels(recipients);
  requireValid(stanzas);
  return { fileKey, header: encodeHeader(stanzas, fileKey) };
}

function requireSameLabels(recipients: readonly Recipient[]): void {
  const sets = recipients.map((recipient) => [...(recipient.labels ?? [])].sort().join(","));
  const other = sets.find((set) => set !== sets[0]);
  if (other === undefined) return;
  const quantum = [other, sets[0]].some((set) => set === "postquantum");
  throw new NixsealError(
    "refused",
    quantum ? "post-quantum and classical recipients in one file" : "these recipients must not share a file",
    {
      hint: quantum
        ? "one classical recipient takes the post-quantum protection from the whole file; use one kind only"
        : "encrypt one file for each kind of recipient",
    },
  );
}

/** Stanzas may come from plugins; what we write, we and others must be able to read. */
function requireValid(stanzas: readonly Stanza[]): void {
  if (stanzas.length > limits.stanzas)
    throw new NixsealError("limit", `more than ${limits.stanzas} stanzas in one file`);
  if (stanzas.length > 1 && stanzas.some((stanza) => stanza.args[0] === scryptType))
    throw new NixsealError("refused", "a passphrase cannot stand beside other recipients");
  if (
    stanzas.length === 0 ||
    !stanzas.every((stanza) => stanza.args.length > 0 && stanza.args.every(isArgument))
  )
    throw new NixsealError("malformed", "a recipient made no valid stanza");
}

function notForUs(header: Header): NixsealError {
  const types = [...new Set(header.stanzas.map((stanza) => stanza.args[0]!))];
  if (types.includes(scryptType))
    return new NixsealError("refused", "wrong passphrase, or none was given", {
      hint: "the file is encrypted to a passphrase, not to keys",
    });
  const shown = types.slice(0, 8).join(", ").slice(0, 200);
  return new NixsealError("refused", "no identity matches any of the recipients", {
    hint: `the file has ${header.stanzas.length} recipient stanza${header.stanzas.length === 1 ? "" : "s"}: ${shown}`,
  });
}
