import { join } from "node:path";
import { installedAt } from "../e2e/disk.ts";
import { withoutFsync } from "./guest.ts";
import { Machine } from "./machine.ts";

/** Where the fleet's disk is mounted there. */
export const data = "/mnt/data";

/**
 * A machine with the fleet on its second disk, mounted the way that forgives least: without the heuristic by which ext4
 * writes a file out when it is renamed over another, and with a commit of the journal each second.
 */
export async function startWithFleet(directory: string, root: string, image: string): Promise<Machine> {
  const machine = await Machine.start({
    drives: [
      { file: root, format: "raw", readOnly: true },
      { file: image, format: "raw" },
    ],
    init: "plain",
    console: join(directory, "console"),
  });
  await machine.run("mount", "-t", "ext4", "-o", "noauto_da_alloc,commit=1", "LABEL=fleet", data);
  return machine;
}

/** `nixseal` in the fleet's directory on that machine; `fsync` false takes the fsync of files away from it. */
export function nixsealThere(words: readonly string[], fsync = true): string[] {
  const node = ["node", ...(fsync ? [] : ["--import", withoutFsync]), `${installedAt}/bin/nixseal`];
  return ["env", `--chdir=${data}/fleet`, `HOME=${data}/home`, ...node, ...words];
}

/** Another program's fsync on the same disk: it takes the journal along, with every rename that is in it. */
export async function syncSomethingElse(machine: Machine): Promise<void> {
  await machine.run("sh", "-c", `echo >${data}/another && sync ${data}/another`);
}
