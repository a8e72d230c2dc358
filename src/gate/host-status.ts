/** What can be said of a host by reading its files: as far as possible also by those who are not root. */
import { NixsealError } from "../core/errors.ts";
import type { Files } from "../core/file-ports.ts";
import { formatTime } from "../trust/root/root.ts";
import { readActivation } from "./activate/activation.ts";
import type { GateConfig } from "./config.ts";
import { readHead } from "./ledger/read.ts";
import { writeAheadsOf } from "./ledger/write-ahead.ts";
import type { GatePaths } from "./paths.ts";
import { pendingDigests, readActive } from "./pending.ts";
import { readKnowledge } from "./state.ts";
import { readSystems, type Systems } from "./store/systems.ts";

export interface HostStatus {
  readonly host: string | null;
  readonly fleet: string | null;
  readonly mode: GateConfig["mode"] | null;
  readonly systems: Systems;
  /** Whether the running system is the one that the active warrant names; null where there is none. */
  readonly warranted: boolean | null;
  readonly active: { readonly digest: string; readonly seq: number; readonly toplevel: string } | null;
  /** Digests. */
  readonly pending: readonly string[] | null;
  readonly activation: {
    readonly phase: string;
    readonly toplevel: string;
    readonly warrant: string | null;
  } | null;
  /** Its file's name, which begins with the time. */
  readonly receipt: string | null;
  readonly trust: { readonly root: number; readonly expires: string; readonly krl: string | null } | null;
  readonly accepted: {
    readonly heads: Readonly<Record<string, { readonly seq: number; readonly digest: string }>>;
    readonly floor: string | null;
  } | null;
  readonly quarantine: { readonly files: number; readonly bytes: number } | null;
  readonly ledger: { readonly segment: number; readonly chain: string; readonly torn: number } | null;
  /** Files beside the ledger with what it does not have yet: of uploads under way, or that were killed. */
  readonly ledgerWaiting: number | null;
  /** Parts that could not be read, each with why. */
  readonly unknown: readonly { readonly part: string; readonly reason: string }[];
}

export interface StatusQuestion {
  readonly root: string;
  readonly config: GateConfig | null;
  readonly paths: GatePaths;
  readonly storeDirectory: string;
  readonly profile: string;
}

type StatusFiles = Pick<Files, "list" | "read" | "readLink" | "statusOfLink" | "stream">;

export async function hostStatus(
  { files }: { readonly files: StatusFiles },
  question: StatusQuestion,
): Promise<HostStatus> {
  const { config, paths } = question;
  const unknown: { part: string; reason: string }[] = [];
  const part = async <T>(name: string, read: () => Promise<T>): Promise<T | null> => {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof NixsealError) || error.code === "bug") throw error;
      unknown.push({ part: name, reason: error.message });
      return null;
    }
  };
  const systems = await readSystems(files, question);
  const active = await part("warrant", () => readActive(files, paths));
  const knowledge = config === null ? null : await part("state", () => readKnowledge(files, paths, config));
  const activation = await part("activation", () => readActivation(files, paths));
  const ledger = await part("ledger", async () => ({
    head: await readHead(files, paths.ledger),
    waiting: (await writeAheadsOf(files, paths.ledger)).length,
  }));
  return {
    host: config?.host ?? null,
    fleet: config?.fleet ?? null,
    mode: config?.mode ?? null,
    systems,
    warranted: active === null ? null : active.warrant.toplevel === systems.running,
    active:
      active === null
        ? null
        : { digest: active.digest, seq: active.warrant.seq, toplevel: active.warrant.toplevel },
    pending: await part("pending", () => pendingDigests(files, paths)),
    activation:
      activation === null
        ? null
        : { phase: activation.phase, toplevel: activation.toplevel, warrant: activation.warrant },
    receipt: await part("receipts", async () => (await namesIn(files, paths.receipts)).at(-1) ?? null),
    trust:
      knowledge === null
        ? null
        : {
            root: knowledge.trust.root.root.version,
            expires: formatTime(knowledge.trust.root.root.expires),
            krl: knowledge.trust.krl === null ? null : String(knowledge.trust.krl.version),
          },
    accepted:
      knowledge === null
        ? null
        : {
            heads: Object.fromEntries(knowledge.accepted.heads),
            floor: knowledge.accepted.floor === null ? null : formatTime(knowledge.accepted.floor),
          },
    quarantine: await part("quarantine", () => sizeOf(files, paths.quarantine)),
    ledger: ledger?.head ?? null,
    ledgerWaiting: ledger?.waiting ?? null,
    unknown,
  };
}

/** Regular files right in the directory: nothing in it is followed. */
async function sizeOf(files: StatusFiles, directory: string): Promise<{ files: number; bytes: number }> {
  let count = 0;
  let bytes = 0;
  for (const name of await namesIn(files, directory)) {
    const status = await files.statusOfLink(`${directory}/${name}`);
    if (status?.kind !== "file") continue;
    count += 1;
    bytes += status.size;
  }
  return { files: count, bytes };
}

async function namesIn(files: StatusFiles, directory: string): Promise<string[]> {
  return (await files.statusOfLink(directory)) === null ? [] : files.list(directory);
}
