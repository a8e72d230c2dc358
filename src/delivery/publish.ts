/** Writing the files of a delivery for one host. The head comes last: until then hosts see what was there before, whole. */
import { dirname, join } from "node:path";
import { sameBytes } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import type { Files } from "../core/ports.ts";
import { formatWarrantEnvelope, type WarrantEnvelope } from "../trust/warrant/envelope.ts";
import { formatStatusBundle, type StatusBundle } from "../trust/warrant/status-bundle.ts";
import { formatHead, headFile, orderFile, sha256Hex, statusFile } from "./head.ts";

export interface HostDelivery {
  readonly host: string;
  readonly newest: WarrantEnvelope;
  /** The orders before it, for hosts that missed some. */
  readonly before: readonly WarrantEnvelope[];
  readonly status: StatusBundle;
}

export interface DeliveryFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** In the order in which they are to be written: the head last. */
export function deliveryFiles({ host, newest, before, status }: HostDelivery): DeliveryFile[] {
  const bundle = formatStatusBundle(status);
  const { fleet, seq } = newest.warrant;
  const head = { fleet, host, seq, warrant: newest.digest, status: sha256Hex(bundle) };
  return [
    ...[...before, newest].map((one) => ({
      name: orderFile(host, one.warrant.seq),
      bytes: formatWarrantEnvelope(one),
    })),
    { name: statusFile(host), bytes: bundle },
    { name: headFile(host), bytes: formatHead(head) },
  ];
}

/** How many files were written: what is there already stays as it is, with its time, by which servers make their ETags. */
export async function publishFiles(
  files: Pick<Files, "read" | "makeDirectory" | "writeAtomic">,
  directory: string,
  wanted: readonly DeliveryFile[],
): Promise<number> {
  let written = 0;
  for (const { name, bytes } of wanted) {
    const place = join(directory, name);
    if (await holds(files, place, bytes)) continue;
    await files.makeDirectory(dirname(place), { mode: 0o755, parents: true });
    await files.writeAtomic(place, bytes, { mode: 0o644 });
    written++;
  }
  return written;
}

async function holds(files: Pick<Files, "read">, place: string, bytes: Uint8Array): Promise<boolean> {
  try {
    return sameBytes(await files.read(place, { limit: bytes.length, follow: false }), bytes);
  } catch (error) {
    // What is a link or a pipe is replaced: the account of a web server may have put it there.
    if (error instanceof NixsealError && ["not-found", "limit", "io"].includes(error.code)) return false;
    throw error;
  }
}
