/** Receipts that came back, by whatever way: verified, added to the log once, and kept in `receipts/`. */
import { createHash } from "node:crypto";
import { hex, utf8Text } from "../core/bytes.ts";
import { openReceipt, type Receipt } from "../delivery/receipt.ts";
import { parseEntry } from "../log/entry.ts";
import { appendToLog, readLog } from "../log/log.ts";
import { parsePublicKeyLine } from "../ssh/public-key-line.ts";
import type { State } from "../state/state.ts";
import type { OpenFleet } from "./fleet-context.ts";
import { keepReceipt } from "./host-receipts.ts";
import type { Context } from "./op.ts";
import { openState } from "./shared-state.ts";
import { fleetName } from "./trust/root-flags.ts";

export interface TakenReceipt extends Omit<Receipt, "fleet" | "log"> {
  /** The log's entry that holds it. */
  readonly logged: number;
  /** Whether nobody had brought it before. */
  readonly isNew: boolean;
}

export interface ReceiptTaker {
  /** `refused` for what no host of the fleet has signed, `malformed` or `limit` for what is no receipt. */
  take(bytes: Uint8Array): Promise<TakenReceipt>;
}

/** The log is read once, whatever is taken. */
export async function receiptTaker(context: Context, open: OpenFleet): Promise<ReceiptTaker> {
  const { environment, processes, clock } = context;
  const fleet = fleetName(open.fleet);
  const hosts = new Map([...open.fleet.hosts.values()].map((host) => [String(host.name), host]));
  const state = await openState(context, open);
  const known = await entriesWithReceipts(state);
  return {
    async take(bytes) {
      const {
        fleet: _,
        log: __,
        ...receipt
      } = openReceipt(
        bytes,
        fleet,
        (name) => hosts.get(name)?.hostKeys.map(({ line }) => parsePublicKeyLine(line).key) ?? null,
      );
      const text = utf8Text(bytes, "the receipt");
      const { host, warrant, outcome } = receipt;
      const before = known.get(digestOf(text));
      const logged =
        before ??
        (
          await appendToLog(state, clock, {
            what: "host.receipt",
            by: { member: null, machine: `${environment.get("USER") ?? "someone"}@${processes.hostname}` },
            hosts: [host],
            detail: { warrant, outcome, receipt: text },
          })
        ).seq;
      known.set(digestOf(text), logged);
      await keepReceipt(context, open.directory, fleet, hosts.get(host)!, text);
      return { ...receipt, logged, isNew: before === undefined };
    },
  };
}

/** By the receipt's digest: whoever brings the same one twice adds nothing. */
async function entriesWithReceipts(state: State): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for await (const line of readLog(state)) {
    const { seq, detail } = parseEntry(line);
    if (typeof detail !== "object" || detail === null || !("receipt" in detail)) continue;
    const { receipt } = detail;
    if (typeof receipt === "string" && !found.has(digestOf(receipt))) found.set(digestOf(receipt), seq);
  }
  return found;
}

function digestOf(text: string): string {
  return hex(createHash("sha256").update(text, "utf8").digest());
}
