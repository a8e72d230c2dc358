/** Where a lease is held: by the agent of this package, or by the one on another machine, over the person's own ssh. */
import { NixsealError } from "../../core/errors.ts";
import { connectionError, openSsh } from "../../deploy/ssh.ts";
import type { Host } from "../../inventory/model.ts";
import type { Holder } from "../../secrets/lease/take.ts";
import { readKrl } from "../../trust/certificates/revocation-list.ts";
import type { OpenFleet } from "../fleet-context.ts";
import type { Context } from "../op.ts";

const words = ["secrets", "lease", "--json"];

/** `close` is called when the lease has ended. */
export interface OpenHolder extends Holder {
  readonly close: () => Promise<void>;
}

export function holderHere({ agent }: Pick<Context, "agent">): OpenHolder {
  const [program, ...args] = agent;
  return {
    command: { program: program!, args: [...args, ...words] },
    remote: false,
    unreachable: () => null,
    close: async () => undefined,
  };
}

/**
 * `on`: what ssh takes for a destination, or a store that Nix reaches by ssh (`ssh-ng://builder`). A host of the fleet is known by its
 * pinned keys, any other by the person's known_hosts; an unknown key is never accepted, not even the first time.
 */
export async function holderOn(
  context: Context,
  { fleet, directory }: Pick<OpenFleet, "directory" | "fleet">,
  on: string,
): Promise<OpenHolder> {
  const { user, name, port } = destinationOf(on);
  const host = [...fleet.hosts.values()].find((candidate) => candidate.name === name);
  if (host === undefined || port !== undefined) return byOwnSsh(context, on, { user, name, port });
  const as: Host = { ...host, user: user ?? host.user ?? context.environment.get("USER") ?? null };
  // As for every connection to a host: what was revoked is nobody's to send values to.
  const krl = await readKrl(context.files, directory);
  const ssh = await openSsh(context, [as], null, krl?.file ?? null);
  return {
    command: ssh.command(as, remoteWords, "fresh"),
    remote: true,
    unreachable: (code, stderr) => (code === 255 ? connectionError(as, stderr) : notThere(code, on)),
    close: () => ssh.close(),
  };
}

/** ssh joins them with blanks for the login shell there, to which none of them means anything. */
const remoteWords = ["nixseal-agent", ...words];

interface Destination {
  readonly user: string | undefined;
  readonly name: string;
  readonly port: string | undefined;
}

function destinationOf(on: string): Destination {
  const pattern =
    /^(?:(?:ssh|ssh-ng):\/\/)?(?:([A-Za-z0-9._][A-Za-z0-9._-]*)@)?([A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?(?:\/?(?:\?.*)?)$/;
  const match = pattern.exec(on);
  if (match === null)
    throw new NixsealError("usage", `--on ${on}: this is no destination for ssh`, {
      hint: "for example builder, user@builder, ssh-ng://user@builder:2222",
    });
  return { user: match[1], name: match[2]!, port: match[3] };
}

function byOwnSsh({ environment }: Context, on: string, { user, name, port }: Destination): OpenHolder {
  // The first value of an option is the one that counts: ours, then what Nix is told for the same builder.
  const options = {
    BatchMode: "yes",
    StrictHostKeyChecking: "yes",
    ForwardAgent: "no",
    ForwardX11: "no",
    ClearAllForwardings: "yes",
    PermitLocalCommand: "no",
    RequestTTY: "no",
    ConnectTimeout: "15",
    ServerAliveInterval: "10",
    ServerAliveCountMax: "3",
    ControlMaster: "no", // a connection of its own: its end is the lease's
    ControlPath: "none",
  };
  const nix = (environment.get("NIX_SSHOPTS") ?? "").split(" ").filter((word) => word !== "");
  const args = [
    "-T",
    ...Object.entries(options).flatMap(([option, value]) => ["-o", `${option}=${value}`]),
    ...(user === undefined ? [] : ["-l", user]),
    ...(port === undefined ? [] : ["-p", port]),
    ...nix,
    "--",
    name.replace(/^\[|\]$/g, ""),
    ...remoteWords,
  ];
  return {
    command: { program: "ssh", args },
    remote: true,
    unreachable: (code, stderr) => (code === 255 ? unreached(on, stderr) : notThere(code, on)),
    close: async () => undefined,
  };
}

function unreached(on: string, stderr: string): NixsealError {
  const said = stderr.trim().split("\n").at(-1)?.trim().slice(0, 300) ?? "";
  const isRefused =
    /Permission denied|verification failed|IDENTIFICATION HAS CHANGED|host key is known/i.test(stderr);
  return new NixsealError(
    isRefused ? "refused" : "io",
    `cannot reach ${on}${said === "" ? "" : `: ${said}`}`,
    {
      hint: `try 'ssh ${on.replace(/^ssh-ng:/, "ssh:").replace(/\?.*$/, "")} true': it must need no answer, and know the host's key`,
    },
  );
}

function notThere(code: number, on: string): NixsealError | null {
  if (code !== 127) return null;
  return new NixsealError("not-found", `there is no nixseal-agent on ${on}`, {
    hint: "install it there, where the PATH of a login without a terminal finds it",
  });
}
