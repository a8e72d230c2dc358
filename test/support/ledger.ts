/** Ledgers for tests: entries about made-up paths, and all that is read back. */
import type { LedgerEntry, LedgerRecord } from "../../src/gate/ledger/entry.ts";
import type { Actor, Origin } from "../../src/gate/ledger/origin.ts";
import { readLedger, type LedgerFault } from "../../src/gate/ledger/read.ts";
import { files } from "../../src/system/files.ts";
import { closurePath } from "./warrants.ts";

export function actor(member: string, serial: bigint | null = 1n): Actor {
  return { member, key: `SHA256:${member.padEnd(43, "x")}`, serial };
}

export function warrantOrigin(...members: string[]): Origin {
  return {
    kind: "warrant",
    digest: "ab".repeat(32),
    signers: members.map((member) => actor(member)),
    uploader: null,
  };
}

export function ledgerRecord(
  name: string,
  { references = [], ...fields }: Partial<Omit<LedgerRecord, "references">> & { references?: string[] } = {},
): LedgerRecord {
  const { contentAddress: _, ...signed } = closurePath(name, references);
  return { ...signed, event: "added", deriver: null, origin: warrantOrigin("alice"), ...fields };
}

export async function wholeLedger(
  directory: string,
): Promise<{ entries: LedgerEntry[]; faults: LedgerFault[] }> {
  const entries: LedgerEntry[] = [];
  const faults: LedgerFault[] = [];
  for await (const item of readLedger(files, directory))
    if (item.kind === "entry") entries.push(item.entry);
    else faults.push(item.fault);
  return { entries, faults };
}
