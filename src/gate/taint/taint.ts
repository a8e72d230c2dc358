/** Everything that ever depended on what a key or a member brought: for revoking after the fact. */
import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import type { Processes } from "../../core/ports.ts";
import { typedNix32 } from "../../nix/hash.ts";
import type { StorePath } from "../../nix/store-path.ts";
import type { LocalStore } from "../../trust/warrant/local-store.ts";
import type { LedgerEntry, LedgerEvent } from "../ledger/entry.ts";
import type { Origin } from "../ledger/origin.ts";
import { readLedger } from "../ledger/read.ts";
import { readBuildSteps, type BuildStep } from "../store/derivations.ts";
import { dumpStore } from "../store/dump.ts";
import type { Systems } from "../store/systems.ts";
import { DependencyGraph, type Step } from "./graph.ts";
import { broughtBy, namesIn, type Subject } from "./subject.ts";

export interface TaintQuestion {
  readonly subject: Subject;
  readonly ledger: string;
  readonly store: LocalStore;
  /** As paths of the store say it, and where its files lie. */
  readonly storeDirectory: string;
  readonly storeFiles: string;
  readonly systems: Systems;
}

export interface Tainted {
  readonly path: StorePath;
  /** From what was brought to this path. */
  readonly chain: readonly Step[];
  /** How what was brought came in. */
  readonly because: string;
  readonly time: Date;
  readonly event: LedgerEvent;
  /** Whether the store has it now; null when it could not be asked. */
  readonly present: boolean | null;
  readonly systems: readonly (keyof Systems)[];
}

export interface TaintReport {
  /** What was brought comes first, then what depends on it, by distance. */
  readonly findings: readonly Tainted[];
  /** Members and keys of caches that the ledger names at all: a name that is not among them may be misspelt. */
  readonly named: readonly string[];
  /** What could not be looked at: with any of these, what is not listed is not known to be clean. */
  readonly unknown: readonly string[];
}

/** What brought a path last, and what its content was then. */
interface Last {
  readonly kind: Origin["kind"];
  readonly narHash: string;
}

type Ports = {
  readonly files: Pick<Files, "list" | "read" | "stream">;
  readonly processes: Pick<Processes, "converse">;
};

export async function findTaint(ports: Ports, question: TaintQuestion): Promise<TaintReport> {
  const graph = new DependencyGraph();
  const last = new Map<StorePath, Last>();
  const seeds = new Map<StorePath, { readonly entry: LedgerEntry; readonly because: string }>();
  const unknown: string[] = [];
  const named = new Set<string>();
  for await (const item of readLedger(ports.files, question.ledger)) {
    if (item.kind === "fault") {
      if (item.fault.kind === "waiting") unknown.push(`${item.fault.file}: ${item.fault.message}`);
      else if (item.fault.kind !== "torn")
        unknown.push(`the ledger is damaged: ${item.fault.file}:${item.fault.line}: ${item.fault.message}`);
      continue;
    }
    const { entry } = item;
    for (const name of namesIn(entry.origin)) named.add(name);
    const because = broughtBy(question.subject, entry.origin);
    if (because !== null && !seeds.has(entry.path)) seeds.set(entry.path, { entry, because });
    if (entry.event !== "quarantined")
      last.set(entry.path, { kind: entry.origin.kind, narHash: typedNix32(entry.narHash) });
    addEntry(graph, entry);
  }
  const changed = new Set<StorePath>();
  const asked = await attempt(unknown, "the store's database", async () => {
    for await (const { path, references, narHash } of dumpStore(
      ports.processes,
      question.store,
      question.storeDirectory,
    )) {
      graph.addValid(path, references);
      if (last.get(path)?.narHash !== typedNix32(narHash)) changed.add(path);
    }
  });
  await attempt(unknown, "the store's derivations", async () => {
    const isPinned = (path: StorePath): boolean => !changed.has(path) && pins(last.get(path)?.kind);
    addBuilds(graph, await buildSteps(ports.files, question, unknown), isPinned);
  });
  return { findings: listFindings(graph, seeds, question.systems, asked), named: [...named].sort(), unknown };
}

function listFindings(
  graph: DependencyGraph,
  seeds: ReadonlyMap<StorePath, { readonly entry: LedgerEntry; readonly because: string }>,
  systems: Systems,
  asked: boolean,
): Tainted[] {
  const names = ["running", "booted", "profile"] as const;
  const closures = names.map((name) => ({
    name,
    paths: systems[name] === null ? new Set<StorePath>() : graph.closureOf(systems[name]),
  }));
  const finding = (chain: readonly Step[]): Tainted => {
    const { path } = chain.at(-1)!;
    const { entry, because } = seeds.get(chain[0]!.path)!;
    return {
      path,
      chain,
      because,
      time: entry.time,
      event: entry.event,
      present: asked ? graph.isValid(path) : null,
      systems: closures.flatMap(({ name, paths }) => (paths.has(path) ? [name] : [])),
    };
  };
  return [
    ...Array.from(seeds.keys(), (path) => finding([{ path, how: null }])),
    ...Array.from(graph.dependentsOf(seeds.keys()), finding),
  ];
}

function addEntry(graph: DependencyGraph, { path, references, origin }: LedgerEntry): void {
  for (const reference of references) graph.add(path, "refers", reference);
  if (origin.kind !== "build") return;
  graph.add(path, "built", origin.derivation);
  for (const input of origin.inputs) graph.add(path, "built", input);
}

/** Whoever let it in fixed its content by a hash: what lies around on this host had no part in that. */
function pins(kind: Origin["kind"] | undefined): boolean {
  return kind === "warrant" || kind === "upstream" || kind === "content-address" || kind === "certificate";
}

async function buildSteps(
  files: Ports["files"],
  { storeFiles, storeDirectory }: TaintQuestion,
  unknown: string[],
): Promise<BuildStep[]> {
  const steps: BuildStep[] = [];
  const skipped = (name: string, error: NixsealError): void =>
    void unknown.push(`the derivation ${name} cannot be read: ${error.message}`);
  for await (const step of readBuildSteps(files, storeFiles, storeDirectory, skipped)) steps.push(step);
  return steps;
}

function addBuilds(
  graph: DependencyGraph,
  steps: readonly BuildStep[],
  isPinned: (path: StorePath) => boolean,
): void {
  const outputs = new Map(steps.map(({ derivation, outputs }) => [derivation, outputs]));
  for (const { derivation, outputs: own, sources, inputs } of steps) {
    const needed = [...inputs].flatMap(([input, names]) =>
      names.flatMap((name) => outputs.get(input)?.get(name) ?? []),
    );
    for (const output of own.values())
      if (!isPinned(output))
        for (const input of [derivation, ...sources, ...needed]) graph.add(output, "built", input);
  }
}

/** Whether it worked. What did not is unknown, never clean. */
async function attempt(unknown: string[], what: string, work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (!(error instanceof NixsealError) || error.code === "bug") throw error;
    unknown.push(`${what} could not be read: ${error.message}`);
    return false;
  }
}
