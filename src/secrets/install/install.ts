import { NixsealError } from "../../core/errors.ts";
import type { Ports } from "../../core/ports.ts";
import { readManifest, type ReadManifest } from "../manifest-check.ts";
import type { Manifest, Stage } from "../manifest.ts";
import { beginner, instead, isSame, wipe, type PushedStore } from "./begin.ts";
import type { OpenIdentities } from "./decrypt-stage.ts";
import type { Failure } from "./failure.ts";
import { settle, sweep, writeGeneration } from "./generation.ts";
import { layoutOf, type Layout } from "./layout.ts";
import { ensureLinks, removeLinks } from "./links.ts";
import { ensureMemory } from "./memory.ts";
import { tellNotWritten } from "./not-written.ts";
import type { SecretChange } from "./plan.ts";
import { decryptManifest, planStage, type Prepared } from "./prepare.ts";
import { installedManifest } from "./read-status.ts";
import { writeMarkers, writeStatus } from "./status.ts";
import { ensureTrustedDirectory } from "./trusted-path.ts";
import { handOver, handOverDry, showFailures, surroundings, type Handler, type Units } from "./units.ts";

export type InstallPorts = Pick<Ports, "files" | "processes" | "clock" | "environment">;

export interface InstallOptions {
  readonly manifest: string;
  /** The empty string, or a directory that prefixes every path but those of the manifest and its sources. */
  readonly root: string;
  readonly stage: Stage;
  /** Values that came after the system did, and where they lie. Asked again under the lock: a push may have come in between. */
  readonly pushed?: (() => Promise<PushedStore | undefined>) | undefined;
  /** The manifest that must be the installed one by then; `stale` when another system's was installed meanwhile. */
  readonly over?: string;
  /** Says what would happen, and makes nothing, not even a directory. */
  readonly dryRun: boolean;
}

export interface InstallReport {
  readonly host: string;
  readonly stage: Stage;
  readonly dryRun: boolean;
  /** null in a dry run before the first installation. */
  readonly generation: number | null;
  readonly secrets: readonly SecretChange[];
  readonly failures: readonly Failure[];
  readonly restart: readonly string[];
  readonly reload: readonly string[];
  /** Who was given these units. */
  readonly handler: Handler;
  /** What went wrong after the values were in place. */
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

const lockTime = 120_000;

/**
 * Installs the secrets of one stage. Whatever fails, and whenever the process is killed, either the former or the
 * new generation is reachable, whole; the next run finishes what was left. A failing secret is in `failures`.
 * Throws `config` or `limit` for a manifest, `refused` for identities or directories that cannot be trusted.
 */
export async function installSecrets(
  ports: InstallPorts,
  openIdentities: OpenIdentities,
  options: InstallOptions,
): Promise<InstallReport> {
  const { files, processes } = ports;
  const layout = layoutOf(options.root);
  const found = await readManifest(files, options.manifest);
  const pushed = await options.pushed?.();
  const begin = beginner(found, (read) =>
    decryptManifest(files, processes, openIdentities, options.root, read, options.stage),
  );
  const { read, decrypting } = begin(pushed);
  if (options.dryRun) {
    const prepared = await planStage(files, layout, read.manifest, options.stage, await decrypting);
    return rehearse(ports, layout, options, read.manifest, prepared);
  }
  // The lock takes a moment, in which decrypting goes on; a failure of it is met below.
  decrypting.catch(() => undefined);
  await prepareBase(ports, layout);
  const lock = await files.lock(layout.lock, { wait: lockTime, purpose: "nixseal-agent secrets install" });
  try {
    await checkInstalled(files, layout, options.over);
    const warnings = await ensureMemory(files, processes, layout);
    const last = await options.pushed?.();
    const final = isSame(pushed, last) ? { read, decrypting } : await instead(decrypting, () => begin(last));
    const decrypted = await final.decrypting;
    try {
      const prepared = await planStage(files, layout, final.read.manifest, options.stage, decrypted);
      return await carryOut(ports, layout, options, final.read, prepared, warnings);
    } finally {
      wipe(decrypted);
    }
  } finally {
    await lock.release();
  }
}

async function checkInstalled(
  files: Ports["files"],
  layout: Layout,
  wanted: string | undefined,
): Promise<void> {
  if (wanted === undefined || (await installedManifest(files, layout))?.file === wanted) return;
  throw new NixsealError("stale", "the secrets of another system were installed meanwhile", {
    hint: "push again: what differs is compared with that system's",
  });
}

async function prepareBase({ files }: InstallPorts, layout: Layout): Promise<void> {
  const base = await ensureTrustedDirectory(files, layout.root, "/run/nixseal", 0o751);
  if (base.status.kind !== "directory" || !base.trusted || base.path !== layout.base)
    throw new NixsealError("refused", "others can change the directory of the secrets", {
      hint: `remove '${layout.base}', it is made anew`,
      where: { file: layout.base },
    });
  await files.makeDirectory(layout.generations, { mode: 0o751, parents: true });
}

async function rehearse(
  { files, environment }: InstallPorts,
  layout: Layout,
  { stage }: InstallOptions,
  manifest: Manifest,
  { outcome, current, plan, warnings }: Prepared,
): Promise<InstallReport> {
  wipe({ outcome, warnings });
  // switch-to-configuration prints these in its own dry run; they are its files, and it removes them.
  if (environment.get("NIXOS_ACTION") === "dry-activate") await handOverDry(files, layout, plan);
  return {
    host: manifest.host,
    stage,
    dryRun: true,
    generation: current?.index.number ?? null,
    secrets: plan.changes,
    failures: outcome.failures,
    restart: plan.restart,
    reload: plan.reload,
    handler: "nobody",
    problems: [],
    warnings,
  };
}

async function carryOut(
  ports: InstallPorts,
  layout: Layout,
  { stage, root }: InstallOptions,
  { manifest, file }: ReadManifest,
  { outcome, current, plan, ...prepared }: Prepared,
  before: readonly string[],
): Promise<InstallReport> {
  const { files, processes, clock, environment } = ports;
  const warnings = [...before, ...prepared.warnings];
  await sweep(files, layout, current);
  const left = current?.index.unsettled;
  const restart = [...new Set([...(left?.restart ?? []), ...plan.restart])];
  const reload = [...new Set([...(left?.reload ?? []), ...plan.reload])].filter(
    (unit) => !restart.includes(unit),
  );
  const wanted = new Set(plan.files.map(({ entry }) => entry.path));
  const links = [...new Set([...(left?.links ?? []), ...plan.leftLinks])].filter((path) => !wanted.has(path));
  const around = await surroundings(
    files,
    layout,
    environment.get("NIXOS_ACTION"),
    environment.get("INVOCATION_ID") !== undefined,
  );
  const others = new Set(manifest.secrets.filter((one) => one.stage !== stage).map(({ name }) => name));
  let now =
    current === null || plan.needed
      ? await writeGeneration(files, layout, current, plan, { restart, reload, links }).catch((reason) =>
          tellNotWritten(
            files,
            processes,
            layout,
            { plan, current, failures: outcome.failures, others, around },
            reason,
          ),
        )
      : current;
  await sweep(files, layout, now);

  const failed = await ensureLinks(
    files,
    root,
    now.index.secrets.filter((entry) => entry.stage === stage),
  );
  const failures = [...outcome.failures, ...failed];
  warnings.push(...(await removeLinks(files, root, links)));

  const problems = await tellUnits(ports, layout, around, { restart, reload });
  if (restart.length + reload.length + links.length > 0) now = await settle(files, now);

  const installed = new Set(now.index.secrets.map(({ name }) => name));
  const touched = await writeMarkers(files, layout, failures, others, installed);
  const at = clock.now().toISOString();
  await writeStatus(files, layout, {
    at,
    host: manifest.host,
    manifest: file,
    stage,
    failures,
    index: now.index,
  });
  warnings.push(...(await tolerant(() => showFailures(files, processes, layout, around, touched))));
  return {
    host: manifest.host,
    stage,
    dryRun: false,
    generation: now.index.number,
    secrets: plan.changes,
    failures,
    restart,
    reload,
    handler: around.handler,
    problems,
    warnings,
  };
}

function tellUnits(
  { files, processes }: InstallPorts,
  layout: Layout,
  around: Awaited<ReturnType<typeof surroundings>>,
  units: Units,
): Promise<string[]> {
  return tolerant(() => handOver(files, processes, layout, around, units));
}

/** The values are in place by now: what fails here is told, and does not undo them. */
async function tolerant(work: () => Promise<string[]>): Promise<string[]> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof NixsealError) || error.code === "bug") throw error;
    return [error.message];
  }
}
