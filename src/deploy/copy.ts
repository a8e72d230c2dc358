/** Sending a closure with the stock client, which knows best what every Nix speaks. The gate at the other end decides what it takes. */
import { NixsealError } from "../core/errors.ts";
import type { Host } from "../inventory/model.ts";
import type { StorePath } from "../nix/store-path.ts";
import type { NixWorld } from "./build.ts";
import { CopyLog, type CopyProgress } from "./copy-progress.ts";
import type { SshFleet } from "./ssh.ts";

/** Milliseconds. A first system over a slow line. */
const patience = 6 * 3600_000;

/**
 * Sends what the host lacks. `from`: a store as `nix --store` takes it (a builder, a chroot store); null for this
 * machine's. Nothing is asked of the host that it does not need: it says what it lacks, and only that is read.
 */
export async function copyClosure(
  { processes, environment }: NixWorld,
  ssh: SshFleet,
  host: Host,
  toplevel: StorePath,
  from: string | null,
  onProgress: (progress: CopyProgress) => void = () => undefined,
): Promise<void> {
  const isRemote = from !== null && /^ssh(?:-ng)?:/.test(from);
  const { options, destination } = isRemote ? await ssh.forNixAmongOthers(host) : ssh.forNix(host);
  const log = new CopyLog();
  const { code, stderr } = await processes.run({
    program: "nix",
    args: [
      "--extra-experimental-features",
      "nix-command",
      "--log-format",
      "internal-json",
      "copy",
      ...(from === null ? [] : ["--from", from]),
      "--to",
      `ssh-ng://${destination}`,
      "--",
      toplevel,
    ],
    env: { ...environment, NIX_SSHOPTS: options.join(" ") },
    timeout: patience,
    onStderr: (piece) => {
      if (log.feed(piece) && log.progress !== null) onProgress(log.progress);
    },
  });
  if (code === 0) return;
  // What Nix did not say itself, ssh has.
  const lines = stderr.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("@nix "));
  const said = (log.error ?? lines.at(-1) ?? "").trim().slice(0, 1000);
  throw new NixsealError("tool", `copying failed: ${said}`, { where: { host: host.name } });
}
