/** What a host said last that it runs: its newest receipt in the repository, `receipts/HOST/*.json`, signed with its host key. */
import { join } from "node:path";
import { fromBase64, utf8Text } from "../../core/bytes.ts";
import { NixsealError, at } from "../../core/errors.ts";
import type { Host } from "../../inventory/model.ts";
import { Field } from "../../nix/json-fields.ts";
import { anyStore, parseStorePath, type StorePath } from "../../nix/store-path.ts";
import { parseArmoredSshSig, signedData, signingKey } from "../../ssh/sshsig.ts";
import { verifySignature } from "../../ssh/signature.ts";
import type { Context } from "../op.ts";

const receiptsDirectory = "receipts";
const namespace = "nixseal-receipt@v1";
const largest = 256 << 10;

export interface HostReceipt {
  /** Relative to the fleet. */
  readonly file: string;
  readonly running: StorePath;
  /** When it was written, as the host's clock had it. */
  readonly ended: string;
}

/**
 * Null where there is none. `refused` for one that this host's key did not sign: somebody else would choose what the audit looks
 * at. Receipts begin with their time, so the last name is the newest.
 */
export async function newestReceipt(
  { files }: Pick<Context, "files">,
  directory: string,
  fleet: string,
  host: Host,
): Promise<HostReceipt | null> {
  const place = join(receiptsDirectory, host.name);
  if ((await files.statusOfLink(join(directory, place)))?.kind !== "directory") return null;
  const name = (await files.list(join(directory, place))).findLast((one) => one.endsWith(".json"));
  if (name === undefined) return null;
  const file = join(place, name);
  try {
    const bytes = await files.read(join(directory, file), { limit: largest, follow: false });
    return { file, ...read(bytes, fleet, host) };
  } catch (error) {
    throw at(error, { file });
  }
}

function read(bytes: Uint8Array, fleet: string, host: Host): Pick<HostReceipt, "running" | "ended"> {
  const envelope = Field.parse(utf8Text(bytes, "receipt"), "receipt");
  const payload = fromBase64(envelope.get("payload").string());
  if (payload === null) throw envelope.get("payload").wrong("base64");
  const signatures = envelope.get("signatures").items().slice(0, 8);
  if (!signatures.some((field) => isSigned(field.string(), payload, host)))
    throw new NixsealError("refused", `the key of ${host.name} did not sign this receipt`, {
      hint: "fetch it from the host again; host_keys in fleet.toml are what it is compared with",
    });
  const receipt = Field.parse(utf8Text(payload, "receipt"), "receipt");
  if (receipt.get("v").value !== 1) throw receipt.get("v").wrong("1");
  for (const [name, wanted] of [
    ["fleet", fleet],
    ["host", host.name],
  ] as const)
    if (receipt.get(name).string() !== wanted)
      throw new NixsealError("refused", `the receipt is of another ${name}`, {
        hint: "whose place is it in?",
      });
  return {
    running: receipt.get("running").parsed((text) => parseStorePath(text, anyStore)),
    ended: receipt.get("ended").string().slice(0, 30),
  };
}

/** A broken signature is none; the others still count, since anyone can add a broken one. */
function isSigned(armored: string, payload: Uint8Array, host: Host): boolean {
  try {
    const signature = parseArmoredSshSig(armored);
    const key = signingKey(signature.signer);
    const isHosts = host.hostKeys.some(({ fingerprint }) => fingerprint === key.fingerprint);
    if (signature.namespace !== namespace || signature.signer.type === "certificate" || !isHosts)
      return false;
    return verifySignature(key, signedData(payload, signature), signature.signature).accepted;
  } catch (error) {
    if (!(error instanceof NixsealError) || error.code === "bug") throw error;
    return false;
  }
}
