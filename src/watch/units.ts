/** The units that systemd has loaded, as far as stopping goes. */
import { utf8Text } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import type { Processes } from "../core/ports.ts";
import { isUnitName } from "./unit-name.ts";

export interface Unit {
  readonly name: string;
  readonly runs: boolean;
  /** Whether there is a definition of it. */
  readonly exists: boolean;
  /** Under /sys/fs/cgroup; empty without processes. */
  readonly cgroup: string;
  /** Sockets, timers and paths that start it. */
  readonly startedBy: readonly string[];
  /** Units that systemd stops along with it (systemd.unit(5): Requires=, Requisite=, BindsTo=, PartOf=, PropagatesStopTo=). */
  readonly takesAlong: readonly string[];
}

const relations = ["RequiredBy", "RequisiteOf", "BoundBy", "ConsistsOf", "PropagatesStopTo"] as const;
const properties = ["Id", "LoadState", "ActiveState", "ControlGroup", "TriggeredBy", ...relations];

/**
 * By name. Only names, states and paths without line breaks are asked for here: a line is a property. `--all`: also those
 * that do not run, which a socket may start.
 */
export async function loadedUnits(processes: Pick<Processes, "run">): Promise<ReadonlyMap<string, Unit>> {
  return parseUnits(await show(processes, ["--all", `--property=${properties.join(",")}`, "--", "*"]));
}

export function parseUnits(text: string): ReadonlyMap<string, Unit> {
  const units = new Map<string, Unit>();
  for (const block of text.split(/\n\n+/)) {
    const fields = new Map(
      block.split("\n").flatMap((line): [string, string][] => {
        const at = line.indexOf("=");
        return at === -1 ? [] : [[line.slice(0, at), line.slice(at + 1)]];
      }),
    );
    const names = (field: string): string[] => (fields.get(field) ?? "").split(" ").filter(isUnitName);
    const name = fields.get("Id");
    if (name === undefined || !isUnitName(name)) continue;
    const state = fields.get("ActiveState") ?? "";
    units.set(name, {
      name,
      runs: state !== "inactive" && state !== "failed",
      exists: fields.get("LoadState") === "loaded",
      cgroup: fields.get("ControlGroup") ?? "",
      startedBy: names("TriggeredBy"),
      takesAlong: relations.flatMap(names),
    });
  }
  return units;
}

/** The command lines of a service as text. A unit a call: line breaks in a command line cannot be taken for another unit. */
export function commandLines(processes: Pick<Processes, "run">, unit: string): Promise<string> {
  const settings = ["ExecStartPre", "ExecStart", "ExecStartPost", "ExecReload"];
  return show(processes, [`--property=${settings.join(",")}`, "--", unit]);
}

export async function isStopped(processes: Pick<Processes, "run">, unit: string): Promise<boolean> {
  const found = parseUnits(await show(processes, [`--property=${properties.join(",")}`, "--", unit]));
  return found.get(unit)?.runs === false;
}

/** Waits until systemd is done. Throws `tool` with what systemctl says. */
export async function systemctl(
  processes: Pick<Processes, "run">,
  verb: "start" | "stop",
  units: readonly string[],
): Promise<void> {
  const { code, stderr } = await processes.run({
    program: "systemctl",
    args: ["--no-ask-password", verb, "--", ...units],
    timeout: 180_000,
  });
  if (code !== 0) throw failed(verb, code, stderr);
}

async function show(processes: Pick<Processes, "run">, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await processes.run({
    program: "systemctl",
    args: ["--no-pager", "show", ...args],
    maxOutput: 64 << 20,
  });
  if (code !== 0) throw failed("show", code, stderr);
  return utf8Text(stdout, "the answer of systemctl");
}

function failed(verb: string, code: number, stderr: string): NixsealError {
  return new NixsealError(
    "tool",
    `systemctl ${verb} failed with exit code ${code}: ${stderr.trim().slice(-300)}`,
  );
}
