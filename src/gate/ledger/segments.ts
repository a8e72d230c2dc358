/** The files of a ledger: `00000001.ndjson` and so on. A full one is never written to again. */
import { join } from "node:path";
import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";

export const ledgerLimits = {
  /** Bytes after which a segment is closed; its last line may go beyond. */
  segment: 8 << 20,
  /** Bytes of one line. A system's toplevel refers to some thousand paths of up to 250 bytes. */
  line: 16 << 20,
} as const;

export function segmentFile(directory: string, number: number): string {
  return join(directory, `${String(number).padStart(8, "0")}.ndjson`);
}

/** Rising; none where there is no ledger yet. */
export async function segmentsOf(files: Pick<Files, "list">, directory: string): Promise<number[]> {
  const names = await files.list(directory).catch((error: unknown) => {
    if (error instanceof NixsealError && error.code === "not-found") return [];
    throw error;
  });
  return names
    .flatMap((name) => {
      const match = /^([0-9]{8})\.ndjson$/.exec(name);
      return match === null ? [] : [Number(match[1])];
    })
    .sort((a, b) => a - b);
}
