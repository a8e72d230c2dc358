import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import type { Processes } from "../../core/ports.ts";
import type { Layout } from "./layout.ts";

const options = "nosuid,nodev,noexec,mode=0751";
// tmpfs(5): noswap is there since Linux 6.4. ramfs never swaps either, but has no bound on its size.
const attempts: readonly (readonly [type: string, options: string])[] = [
  ["tmpfs", `${options},noswap`],
  ["ramfs", options],
];

/**
 * Sees to it that values lie in memory that is never written to a disk. Mounted over the generations only, so that
 * the lock, which is taken first, stays where it is, and only once a boot, while nothing is in it. A container may
 * not mount: then /run's own tmpfs has to do, with a warning when there is swap. A disk is refused.
 */
export async function ensureMemory(
  files: Files,
  processes: Pick<Processes, "run">,
  layout: Layout,
): Promise<string[]> {
  const type = await files.fileSystem(layout.generations);
  if (layout.root !== "")
    return type === "other" ? [`${layout.generations} is on a disk: plaintext stays there`] : [];
  if (type === "ramfs" || (await isMounted(files, layout))) return [];
  const empty = (await files.list(layout.generations)).length === 0;
  const reasons = empty ? await mount(processes, layout.generations) : [];
  if (reasons === null) return [];
  if (type === "other")
    throw new NixsealError("refused", "there is no file system in memory for the secrets", {
      hint: `mount a tmpfs on /run${reasons.length === 0 ? "" : `; ${reasons.join("; ")}`}`,
      where: { file: layout.generations },
    });
  if (!(await hasSwap(files))) return [];
  return [`values are on a tmpfs that may be swapped out${reasons.map((reason) => `; ${reason}`).join("")}`];
}

/** Null when it worked, else why not. */
async function mount(processes: Pick<Processes, "run">, directory: string): Promise<string[] | null> {
  const reasons: string[] = [];
  for (const [type, options] of attempts) {
    const args = ["-t", type, "-o", options, "nixseal", directory];
    const { code, stderr } = await processes.run({ program: "mount", args, timeout: 10_000 });
    if (code === 0) return null;
    reasons.push(`no ${type}: ${stderr.trim().split("\n")[0] ?? ""}`);
  }
  return reasons;
}

async function isMounted(files: Files, layout: Layout): Promise<boolean> {
  const [inside, outside] = [await files.status(layout.generations), await files.status(layout.base)];
  return inside?.device !== outside?.device;
}

/** proc(5): a heading, then one line a swap area. */
async function hasSwap(files: Files): Promise<boolean> {
  if ((await files.status("/proc/swaps")) === null) return true; // not known is not "no"
  const table = new TextDecoder().decode(await files.read("/proc/swaps", { limit: 1 << 20 }));
  return table.trim().split("\n").length > 1;
}
