/** The host's Nix store: roots against the collector, what is really there, and the profile. */
import { dirname, join, resolve } from "node:path";
import { NixsealError } from "../../core/errors.ts";
import { parseStorePath, type StorePath } from "../../nix/store-path.ts";
import { differencesOf } from "../../trust/warrant/differences.ts";
import { queryClosure } from "../../trust/warrant/local-store.ts";
import type { Warrant } from "../../trust/warrant/model.ts";
import { GateRefusal } from "../answer.ts";
import { runNix, scrubbed } from "./commands.ts";
import type { Gate } from "./gate.ts";

/** Symlinks in the gate's directory of roots, one for each part that a system plays in an activation. */
export type RootName = "new" | "previous" | "before" | "active";

/** Words of one command line: 500 paths are under 200 KiB. */
const pathsAtOnce = 500;
const shownDifferences = 20;

/**
 * Keeps a valid path, and with it its closure, from the garbage collector; `tool` when it is not valid. Nix takes a temporary root first,
 * which a collection that is under way sees, then makes the link: a link alone could come too late for it.
 */
export async function protect(gate: Gate, name: RootName, path: StorePath): Promise<void> {
  const { files, paths } = gate;
  await files.makeDirectory(paths.gcroots, { mode: 0o755, parents: true });
  await runNix(gate, "nix-store", ["--add-root", join(paths.gcroots, name), "--realise", path]);
  await files.sync(paths.gcroots);
}

/** The same for what was ordered: when it is not there, whoever sent the order is told what to do. */
export async function protectOrdered(gate: Gate, path: StorePath): Promise<void> {
  try {
    await protect(gate, "new", path);
  } catch (error) {
    if (!(error instanceof NixsealError) || error.code !== "tool" || !(await isMissing(gate, path)))
      throw error;
    throw new GateRefusal(
      "closure",
      `${path} is not in the store: it was never sent, or deleted since`,
      sendIt,
    );
  }
}

const sendIt = "send the closure first: nix copy --to ssh-ng://…";

async function isMissing(gate: Gate, path: StorePath): Promise<boolean> {
  try {
    await runNix(gate, "nix-store", ["--check-validity", path]);
    return false;
  } catch (error) {
    if (error instanceof NixsealError && error.code === "tool") return / is not valid/.test(error.message);
    throw error;
  }
}

export async function unprotect(
  { files, paths }: Pick<Gate, "files" | "paths">,
  ...names: RootName[]
): Promise<void> {
  for (const name of names)
    try {
      await files.remove(join(paths.gcroots, name));
    } catch (error) {
      if (!(error instanceof NixsealError) || error.code !== "not-found") throw error;
    }
}

/**
 * Refused when paths of the closure are not valid yet: asked before the order is accepted, so that who activates too early has lost no
 * attempt by it. It proves nothing: `checkClosure` does.
 */
export async function requirePresent(gate: Gate, { paths: signed }: Warrant): Promise<void> {
  const missing: string[] = [];
  for (let from = 0; from < signed.length; from += pathsAtOnce) {
    const some = signed.slice(from, from + pathsAtOnce).map(({ path }) => path);
    const said = await runNix(gate, "nix-store", ["--check-validity", "--print-invalid", ...some]);
    missing.push(...said.split("\n").filter((line) => line !== ""));
  }
  if (missing.length === 0) return;
  throw new GateRefusal(
    "closure",
    `of the ${signed.length} paths that the warrant names ${missing.length} are not in the store, first ${missing[0]!}`,
    sendIt,
  );
}

/** Refused unless the store's own word for every path of the closure is what was signed: no path more, none less, each with its content. */
export async function checkClosure(gate: Gate, { toplevel, paths: signed }: Warrant): Promise<void> {
  const { processes, paths } = gate;
  const run: Gate["processes"]["run"] = (command) => processes.run({ ...command, env: scrubbed });
  const found = await queryClosure({ run }, { store: paths.store, environment: {} }, toplevel);
  const differences = differencesOf(signed, found);
  if (differences.length === 0) return;
  for (const { path, field, signed: wanted, found: actual } of differences.slice(0, shownDifferences))
    await gate.say("closure", `${path}: ${field}: signed '${wanted}', found '${actual}'`, {
      level: "warning",
      data: { path, field, signed: wanted, found: actual },
    });
  const planted = differences.some(({ field }) => field !== "missing");
  throw new GateRefusal(
    "closure",
    `the store differs from the warrant in ${differences.length} places, first in ${differences[0]!.path}`,
    planted ? "send the closure again: the gate takes the signed paths and replaces what differs" : sendIt,
  );
}

/** Every file hashed again: what the store's word is worth after somebody else was root, or the disk failed. */
export async function rehashClosure(gate: Gate, { paths: signed }: Warrant): Promise<void> {
  for (let from = 0; from < signed.length; from += pathsAtOnce) {
    const some = signed.slice(from, from + pathsAtOnce).map(({ path }) => path);
    await runNix(gate, "nix-store", ["--verify-path", ...some], gate.bounds.rehash);
    await gate.say("rehash", `${Math.min(from + pathsAtOnce, signed.length)} of ${signed.length} paths`);
  }
}

/** Sets the profile to exactly this path, reads it back, and has it on the disk before a boot entry may name it. */
export async function setProfile(gate: Gate, path: StorePath): Promise<void> {
  const { files, paths } = gate;
  await runNix(gate, "nix-env", ["--profile", paths.profile, "--set", path]);
  await files.sync(dirname(paths.profile));
  const now = await profileTarget(gate);
  if (now === path) return;
  throw new NixsealError("tool", `the profile is ${now ?? "nothing"} after it was set to ${path}`, {
    where: { file: paths.profile },
  });
}

/** What the profile holds: by way of its newest generation, as nix-env makes it; null when there is none. */
export async function profileTarget(
  gate: Pick<Gate, "files" | "paths" | "config">,
): Promise<StorePath | null> {
  const { files, paths, config } = gate;
  if ((await files.statusOfLink(paths.profile)) === null) return null;
  const first = await files.readLink(paths.profile);
  const generation = resolve(dirname(paths.profile), first);
  const isDirect = first.startsWith(`${config.storeDirectory}/`);
  return parseStorePath(isDirect ? first : await files.readLink(generation), config.storeDirectory);
}

/** The system that runs; null where none was ever activated. */
export async function runningSystem(
  gate: Pick<Gate, "files" | "paths" | "config">,
): Promise<StorePath | null> {
  const { files, paths, config } = gate;
  if ((await files.statusOfLink(paths.running)) === null) return null;
  return parseStorePath(await files.readLink(paths.running), config.storeDirectory);
}
