import { utf8 } from "../../core/bytes.ts";
import type { Files } from "../../core/file-ports.ts";
import type { Processes } from "../../core/ports.ts";
import type { Layout } from "./layout.ts";

/** Who restarts units: nobody before systemd runs or under --root, switch-to-configuration, or we. */
export type Handler = "nobody" | "activation" | "systemctl";

/** Where the run takes place, as far as units are concerned. */
export interface Surroundings {
  readonly handler: Handler;
  /** Inside a unit waiting for a job would wait for ourselves: what is restarted is ordered after us. */
  readonly wait: boolean;
}

export interface Units {
  readonly restart: readonly string[];
  readonly reload: readonly string[];
}

const restartTime = 180_000;
const shortTime = 20_000;

/** `action` is NIXOS_ACTION, which switch-to-configuration sets; `insideUnit` tells INVOCATION_ID (systemd.exec(5)). */
export async function surroundings(
  files: Pick<Files, "status">,
  layout: Layout,
  action: string | undefined,
  insideUnit: boolean,
): Promise<Surroundings> {
  if (action !== undefined) return { handler: "activation", wait: false };
  // sd_booted(3)
  const booted = layout.root === "" && (await files.status("/run/systemd/system")) !== null;
  return { handler: booted ? "systemctl" : "nobody", wait: !insideUnit };
}

/** Restarts and reloads units, each at most once, and only those that run. Gives what went wrong, in words. */
export async function handOver(
  files: Files,
  processes: Pick<Processes, "run">,
  layout: Layout,
  { handler, wait }: Surroundings,
  units: Units,
): Promise<string[]> {
  if (handler === "nobody") return [];
  if (handler === "activation") {
    const running = await runningUnits(processes, layout, [...units.restart, ...units.reload]);
    await appendUnits(
      files,
      `${layout.root}/run/nixos/activation-restart-list`,
      units.restart.filter(running),
    );
    await appendUnits(files, `${layout.root}/run/nixos/activation-reload-list`, units.reload.filter(running));
    return [];
  }
  const blocking = wait ? [] : ["--no-block"];
  return [
    ...(await systemctl(processes, [...blocking, "try-restart"], units.restart)),
    ...(await systemctl(processes, [...blocking, "try-reload-or-restart"], units.reload)),
  ];
}

/** The lists that switch-to-configuration prints in a dry run. */
export async function handOverDry(files: Files, layout: Layout, units: Units): Promise<void> {
  await appendUnits(files, `${layout.root}/run/nixos/dry-activation-restart-list`, units.restart);
  await appendUnits(files, `${layout.root}/run/nixos/dry-activation-reload-list`, units.reload);
}

/**
 * Starts `nixseal-secret@NAME.service` for each name: it fails with the reason while there is one, and is well
 * otherwise. Under activation this goes through the restart list, which starts units that do not run and is read
 * after the one `systemctl reset-failed` that would forget the failure. Not waited for: a unit that is about to
 * fail says nothing to us.
 */
export async function showFailures(
  files: Files,
  processes: Pick<Processes, "run">,
  layout: Layout,
  { handler }: Surroundings,
  names: readonly string[],
): Promise<string[]> {
  const units = names.map((name) => `nixseal-secret@${name}.service`);
  if (handler === "activation")
    await appendUnits(files, `${layout.root}/run/nixos/activation-restart-list`, units);
  if (handler !== "systemctl") return [];
  return systemctl(processes, ["--no-block", "start"], units);
}

async function systemctl(
  processes: Pick<Processes, "run">,
  words: readonly string[],
  units: readonly string[],
): Promise<string[]> {
  if (units.length === 0) return [];
  const args = ["--no-ask-password", ...words, "--", ...units];
  const timeout = words.includes("--no-block") ? shortTime : restartTime;
  const { code, stderr } = await processes.run({ program: "systemctl", args, timeout });
  return code === 0 ? [] : [`systemctl ${words.join(" ")}: ${stderr.trim() || `exit code ${code}`}`];
}

/**
 * switch-to-configuration starts what is on its restart list even when it did not run, so only running units may
 * get there. Those that it stopped before the activation it starts again by itself.
 */
async function runningUnits(
  processes: Pick<Processes, "run">,
  layout: Layout,
  units: readonly string[],
): Promise<(unit: string) => boolean> {
  if (layout.root !== "" || units.length === 0) return () => true;
  const args = ["is-active", "--", ...units];
  const { stdout } = await processes.run({ program: "systemctl", args, timeout: shortTime });
  const states = new TextDecoder().decode(stdout).split("\n"); // a line for each unit, in order
  const up = new Set(
    units.filter((_, index) => /^(active|activating|reloading|refreshing)$/.test(states[index] ?? "")),
  );
  return (unit) => up.has(unit);
}

async function appendUnits(files: Files, path: string, units: readonly string[]): Promise<void> {
  if (units.length === 0) return;
  const directory = path.slice(0, path.lastIndexOf("/"));
  await files.makeDirectory(directory, { mode: 0o755, parents: true });
  const there = (await files.statusOfLink(path)) !== null;
  const text = there
    ? new TextDecoder().decode(await files.read(path, { limit: 16 << 20, follow: false }))
    : "";
  const lines = text.split("\n").filter((line) => line !== "");
  const whole = [...new Set([...lines, ...units])].map((line) => `${line}\n`).join("");
  await files.writeAtomic(path, utf8(whole), { mode: 0o600 });
}
