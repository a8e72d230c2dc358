/** What hosts said last, as the fleet keeps it: `receipts/HOST/TIME-DIGEST.json`, each as its host signed it. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { utf8 } from "../core/bytes.ts";
import { NixsealError, at } from "../core/errors.ts";
import { openReceipt, receiptLimits, type Receipt } from "../delivery/receipt.ts";
import type { Host } from "../inventory/model.ts";
import { parsePublicKeyLine } from "../ssh/public-key-line.ts";
import type { Context } from "./op.ts";

export const receiptsDirectory = "receipts";

export interface KeptReceipt {
  /** Relative to the fleet. */
  readonly file: string;
  readonly receipt: Receipt;
}

/** `refused` for one of another fleet or host, or that this host's key did not sign. */
function receiptOf(bytes: Uint8Array, fleet: string, host: Host): Receipt {
  const keys = host.hostKeys.map(({ line }) => parsePublicKeyLine(line).key);
  const receipt = openReceipt(bytes, fleet, () => keys);
  if (receipt.host === host.name) return receipt;
  throw new NixsealError("refused", "the receipt is of another host", { hint: "whose place is it in?" });
}

/**
 * Null where there is none. A receipt that the host did not sign is `refused`: somebody else would choose what an audit looks at. Names
 * begin with their time, so the last one is the newest.
 */
export async function newestReceipt(
  { files }: Pick<Context, "files">,
  directory: string,
  fleet: string,
  host: Host,
): Promise<KeptReceipt | null> {
  const place = join(receiptsDirectory, host.name);
  if ((await files.statusOfLink(join(directory, place)))?.kind !== "directory") return null;
  const name = (await files.list(join(directory, place))).findLast((one) => one.endsWith(".json"));
  if (name === undefined) return null;
  const file = join(place, name);
  try {
    const bytes = await files.read(join(directory, file), { limit: receiptLimits.file, follow: false });
    return { file, receipt: receiptOf(bytes, fleet, host) };
  } catch (error) {
    throw at(error, { file });
  }
}

/** Keeps what a host answered. Only what its key has signed: the others' place is the log. */
export async function keepReceipt(
  { files }: Pick<Context, "files">,
  directory: string,
  fleet: string,
  host: Host,
  text: string,
): Promise<void> {
  let receipt: Receipt;
  try {
    receipt = receiptOf(utf8(text), fleet, host);
  } catch (error) {
    if (error instanceof NixsealError && error.code !== "bug") return;
    throw error;
  }
  // The host chose the text: of its time only digits and letters may name a file.
  const time = receipt.ended.replaceAll(/[^0-9TZ]/g, "").slice(0, 20);
  const mark = createHash("sha256").update(text).digest("hex").slice(0, 16);
  const place = join(directory, receiptsDirectory, host.name);
  await files.makeDirectory(place, { mode: 0o755, parents: true });
  await files.writeAtomic(join(place, `${time}-${mark}.json`), utf8(text), { mode: 0o644 });
}
