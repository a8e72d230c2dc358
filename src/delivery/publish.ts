/** Writing the files of a delivery for one host. The head comes last: until then hosts see what was there before, whole. */
import { dirname, join } from "node:path";
import { sameBytes } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import type { Files } from "../core/file-ports.ts";
import { formatWarrantEnvelope, type WarrantEnvelope } from "../trust/warrant/envelope.ts";
import type { Head } from "../trust/warrant/state.ts";
import { formatStatusBundle, type StatusBundle } from "../trust/warrant/status-bundle.ts";
import { formatHead, headFile, headLimit, orderFile, parseHead, sha256Hex, statusFile } from "./head.ts";

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

/** In the order in which they are to be written: the head last. `log`: what the log ends with, for the host to bear witness of. */
export function deliveryFiles(
  { host, newest, before, status }: HostDelivery,
  log: Head | null,
): DeliveryFile[] {
  const bundle = formatStatusBundle(status);
  const { fleet, subject, seq } = newest.warrant;
  const group = subject.kind === "group" ? subject.name : null;
  const head = { fleet, host, group, seq, warrant: newest.digest, status: sha256Hex(bundle), log };
  return [
    ...[...before, newest].map((one) => ({
      name: orderFile(one.warrant.subject, one.warrant.seq),
      bytes: formatWarrantEnvelope(one),
    })),
    { name: statusFile(host), bytes: bundle },
    { name: headFile(host), bytes: formatHead(head) },
  ];
}

/**
 * Whether the directory shows the host this very delivery. Of the head's place in the log that is not asked: what was published with an
 * earlier one stays as it is, or every publication would be news for every host.
 */
export async function isPublished(
  files: Pick<Files, "read">,
  directory: string,
  delivery: HostDelivery,
): Promise<boolean> {
  try {
    const head = join(directory, headFile(delivery.host));
    const { log } = parseHead(await files.read(head, { limit: headLimit, follow: false }));
    for (const { name, bytes } of deliveryFiles(delivery, log))
      if (!(await holds(files, join(directory, name), bytes))) return false;
    return true;
  } catch (error) {
    // A head that is damaged, or no file, is written anew.
    if (error instanceof NixsealError && ["not-found", "malformed", "limit", "io"].includes(error.code))
      return false;
    throw error;
  }
}

/** What is there already stays as it is, with its time, by which servers make their ETags. */
export async function publishFiles(
  files: Pick<Files, "read" | "makeDirectory" | "writeAtomic">,
  directory: string,
  wanted: readonly DeliveryFile[],
): Promise<void> {
  for (const { name, bytes } of wanted) {
    const place = join(directory, name);
    if (await holds(files, place, bytes)) continue;
    await files.makeDirectory(dirname(place), { mode: 0o755, parents: true });
    await files.writeAtomic(place, bytes, { mode: 0o644 });
  }
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
