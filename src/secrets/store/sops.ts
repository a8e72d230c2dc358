/** Files of SOPS with age recipients, YAML or JSON: read for taking them over, never written. */
import { createDecipheriv, createHash, timingSafeEqual } from "node:crypto";
import { concat, fromBase64, utf8 } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import { SecretValue } from "../../core/secret-value.ts";
import { decryptBytes } from "../age/decrypt.ts";
import type { Identity } from "../age/identity.ts";
import type { SopsDocument, SopsLeaf } from "./sops-document.ts";

export interface SopsValue {
  /** Keys from the top, without the indices of lists. */
  readonly path: readonly string[];
  readonly value: SecretValue;
}

const encrypted =
  /^ENC\[AES256_GCM,data:([^,]*),iv:([^,]+),tag:([^,]+),type:(str|int|float|bool|bytes|comment)\]$/;

/**
 * Decrypts every encrypted value and checks the file's MAC, which covers all of them in their order. `refused` when no
 * identity opens the data key, `malformed` when a value or the MAC does not hold: nothing is returned then.
 */
export async function openSops(
  document: SopsDocument,
  identities: readonly Identity[],
): Promise<SopsValue[]> {
  const key = await dataKey(document, identities);
  const values: SopsValue[] = [];
  const mac = createHash("sha512");
  // So that a file whose MAC leaves values out cannot be passed off as one whose MAC has them all.
  if (document.macOnlyEncrypted) mac.update(createHash("sha256").update("sops").digest());
  for (const leaf of document.leaves) {
    const sealed = encrypted.exec(leaf.text);
    const plaintext =
      sealed === null
        ? utf8(plainText(leaf))
        : open(sealed, key, `${leaf.path.join(":")}:`, () => brokenValue(leaf.path));
    if (sealed !== null || !document.macOnlyEncrypted) mac.update(plaintext);
    if (sealed !== null) values.push({ path: leaf.path, value: new SecretValue(plaintext) });
  }
  const stated = encrypted.exec(document.mac);
  const expected = utf8(mac.digest("hex").toUpperCase());
  const found = stated === null ? new Uint8Array() : open(stated, key, document.lastModified, brokenMac);
  if (found.length !== expected.length || !timingSafeEqual(found, expected)) throw brokenMac();
  key.fill(0);
  return values;
}

/** Each recipient has the data key in an age file of its own; the first that opens will do. */
async function dataKey(document: SopsDocument, identities: readonly Identity[]): Promise<Uint8Array> {
  let refusal: unknown = new NixsealError("refused", "the SOPS file has no age recipient", {
    hint: "add one with `sops updatekeys`; PGP and cloud keys are not read here",
  });
  for (const { enc } of document.age) {
    try {
      const key = (await decryptBytes(utf8(enc), identities)).reveal();
      if (key.length !== 32) throw new NixsealError("malformed", `data key has ${key.length} bytes, not 32`);
      return key;
    } catch (error) {
      if (!(error instanceof NixsealError) || error.code !== "refused") throw error;
      refusal = error;
    }
  }
  throw refusal;
}

/** AES-256-GCM with a nonce of 32 bytes; the path is authenticated, so that values cannot trade places. */
function open(
  sealed: RegExpExecArray,
  key: Uint8Array,
  context: string,
  broken: () => NixsealError,
): Uint8Array {
  const [data, iv, tag] = sealed.slice(1, 4).map((text) => fromBase64(text));
  if (!data || iv?.length !== 32 || tag?.length !== 16) throw broken();
  const decipher = createDecipheriv("aes-256-gcm", key, iv, { authTagLength: 16 });
  decipher.setAAD(utf8(context)).setAuthTag(tag);
  try {
    return concat(decipher.update(data), decipher.final());
  } catch {
    throw broken(); // without the cause: nothing of a value may show
  }
}

/** How SOPS writes a value that it left unencrypted into the MAC. */
function plainText({ text, kind }: SopsLeaf): string {
  return kind === "boolean" ? `${text[0]!.toUpperCase()}${text.slice(1)}` : text;
}

function brokenValue(path: readonly string[]): NixsealError {
  return new NixsealError("malformed", `the SOPS value ${path.join(".")} was altered or is not SOPS's`);
}

function brokenMac(): NixsealError {
  return new NixsealError(
    "malformed",
    "the MAC of the SOPS file does not hold: a value was changed, moved or removed",
    {
      hint: "take the file from a copy that is known to be good",
    },
  );
}
