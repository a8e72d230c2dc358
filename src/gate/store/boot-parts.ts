/** What of a system only a boot brings into effect. */
import type { Files } from "../../core/file-ports.ts";

/** As NixOS names it in a system: links to what is booted, and the kernel's command line. */
export const bootParts = ["kernel", "initrd", "kernel-modules", "kernel-params"] as const;

type Look = Pick<Files, "read" | "readLink" | "statusOfLink">;

/** Whether a boot into `next` would be into something else than `booted`; both are places of systems. Null when they do not say. */
export async function needsBoot(files: Look, booted: string, next: string): Promise<boolean | null> {
  for (const name of bootParts) {
    const [was, is] = [await partOf(files, `${booted}/${name}`), await partOf(files, `${next}/${name}`)];
    if (was === null || is === null) return null;
    if (was !== is) return true;
  }
  return false;
}

async function partOf(files: Look, path: string): Promise<string | null> {
  const status = await files.statusOfLink(path);
  if (status?.kind === "symlink") return files.readLink(path);
  if (status?.kind !== "file") return null;
  return Buffer.from(await files.read(path, { limit: 1 << 20 })).toString("latin1");
}
