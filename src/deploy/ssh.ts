import { createHash } from "node:crypto";
import { utf8 } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import type { Files } from "../core/file-ports.ts";
import type { Command, CommandResult, Processes } from "../core/ports.ts";
import type { Host } from "../inventory/model.ts";
import { aliasOf, hostKeyRefusal, knownHostsOf, ownName } from "./host-keys.ts";
import { configFor } from "./ssh-config.ts";

type World = { readonly files: Pick<Files, "create" | "privateDirectory" | "removeTree"> } & {
  readonly processes: Pick<Processes, "run">;
};

/** The account of a gate, where the inventory names no other. */
export const gateUser = "deploy";

const closedAtOnce = 16;

/** Seconds: to a connection, and between two signs of life, of which three may be missing. */
const bounds = { connect: 15, alive: 10, missing: 3, persist: 60 };

/**
 * The way to the hosts of a fleet: the system's own `ssh`, so that ProxyJump, agents and FIDO keys work, with what the inventory says in
 * place of whatever the person's known_hosts says. `identity`: a private key's file; null for whatever ssh would take. One connection a host, which all commands share and which
 * ends by itself a minute after the last one, also when we are killed.
 */
export interface SshFleet {
  /**
   * The program and its arguments that run `words` on the host. ssh joins them with blanks: they are for the gate, which splits them
   * itself. `fresh`: over a connection of its own.
   */
  command(host: Host, words: readonly string[], way?: "shared" | "fresh"): Pick<Command, "program" | "args">;
  run(host: Host, words: readonly string[], rest?: Omit<Command, "program" | "args">): Promise<CommandResult>;
  /** The same connection for the programs of Nix: NIX_SSHOPTS, which they split at blanks, and what stands behind `ssh-ng://`. */
  forNix(host: Host): { readonly options: readonly string[]; readonly destination: string };
  /** The same for a program that connects to another machine too: what is said of the host holds for the host alone. */
  forNixAmongOthers(
    host: Host,
  ): Promise<{ readonly options: readonly string[]; readonly destination: string }>;
  /** Ends the shared connection to one host, which may be dead without knowing it: the next command opens another. */
  disconnect(host: Host): Promise<void>;
  close(): Promise<void>;
}

/**
 * `revoked`: an OpenSSH KRL of keys and certificates that no host may show. `config` when a host has neither a pinned key nor a CA:
 * an unknown key is never accepted, not even the first time.
 */
export async function openSsh(
  { files, processes }: World,
  hosts: readonly Host[],
  identity: string | null = null,
  revoked: Uint8Array | null = null,
): Promise<SshFleet> {
  for (const host of hosts)
    if (host.hostKeys.length === 0 && host.authorities.length === 0)
      throw new NixsealError("config", `host '${host.name}' has no host key to know it by`, {
        hint: `nixseal host show ${host.name}; host_keys in ${host.file}, or host_ca of the fleet, are verified on every connection`,
        where: { file: host.file, host: host.name },
      });
  if (identity !== null && /\s/.test(identity))
    throw new NixsealError(
      "config",
      `'${identity}' has a blank in it, where Nix splits its options for ssh`,
      {
        hint: "give the key's file another name, or let an agent hold it",
      },
    );
  const directory = await files.privateDirectory();
  if (/\s/.test(directory))
    throw new NixsealError(
      "config",
      `'${directory}' has a blank in it, where Nix splits its options for ssh`,
      {
        hint: "set XDG_RUNTIME_DIR to a directory without blanks",
      },
    );
  // A file for each: a host that has another's principal must not bring its keys under the other's name.
  for (const host of hosts)
    await files.create(knownHostsFile(directory, host), utf8(knownHostsOf([host])), { mode: 0o600 });
  const krl = revoked === null ? null : `${directory}/krl`;
  if (krl !== null && revoked !== null) await files.create(krl, revoked, { mode: 0o600 });
  const opened = new Set<Host>();
  const configured = new Set<Host>();
  const place = { directory, krl, identity };

  const disconnect = async (host: Host): Promise<void> => {
    const args = [...optionsFor(host, place), "-O", "exit", "--", host.address];
    try {
      await processes.run({ program: "ssh", args, timeout: 5_000 });
    } catch (error) {
      if (!(error instanceof NixsealError)) throw error; // it ends by itself; what was done is not undone by that
    }
  };
  const command: SshFleet["command"] = (host, words, way = "shared") => {
    // The first value of an option is the one that counts.
    const own = way === "fresh" ? ["-o", "ControlPath=none"] : [];
    if (way === "shared") opened.add(host);
    return { program: "ssh", args: [...own, ...optionsFor(host, place), "--", host.address, ...words] };
  };
  const forNix: SshFleet["forNix"] = (host) => {
    opened.add(host);
    // An IPv6 address has colons, which Nix would take for a port: the real one is an option then.
    const isPlain = !host.address.includes(":");
    const name = isPlain ? host.address : ownName(host);
    return {
      options: [
        ...optionsFor(host, place),
        ...(isPlain ? [] : ["-o", `HostName=${host.address.replaceAll("%", "%%")}`]),
      ],
      destination: `${host.user ?? gateUser}@${name}`,
    };
  };
  return {
    command,
    disconnect,
    forNix,
    async forNixAmongOthers(host) {
      const { options, destination } = forNix(host);
      const at = destination.lastIndexOf("@");
      const about = { user: destination.slice(0, at), name: destination.slice(at + 1) };
      const file = `${directory}/${ownName(host)}.config`;
      if (!configured.has(host)) {
        configured.add(host);
        await files.create(file, utf8(configFor(about, options)), { mode: 0o600 });
      }
      return { options: ["-F", file], destination };
    },
    async run(host, words, rest = {}) {
      const result = await processes.run({ ...rest, ...command(host, words) });
      // 255 is ssh's own; what the host answers ends below that.
      if (result.code === 255) throw connectionError(host, result.stderr);
      return result;
    },
    async close() {
      const queue = opened.values();
      const one = async (): Promise<void> => {
        for (const host of queue) await disconnect(host);
      };
      await Promise.all(Array.from({ length: Math.min(closedAtOnce, opened.size) }, one));
      await files.removeTree(directory);
    },
  };
}

interface Place {
  readonly directory: string;
  /** A revocation list's file. */
  readonly krl: string | null;
  readonly identity: string | null;
}

function knownHostsFile(directory: string, host: Host): string {
  return `${directory}/${ownName(host)}.known_hosts`;
}

/** Not `%C`, which is the same for two hosts of one address: the second would go by a connection that the first one's key opened. */
function controlPath(directory: string, host: Host): string {
  // Short: a socket's path has 108 bytes (unix(7)), and ssh adds 17 while it opens it.
  return `${directory}/${createHash("sha256").update(host.name).digest("hex").slice(0, 32)}`;
}

function optionsFor(host: Host, { directory, krl, identity }: Place): string[] {
  const options = {
    BatchMode: "yes", // nobody is there to answer, least of all a question about a host key
    StrictHostKeyChecking: "yes",
    UserKnownHostsFile: knownHostsFile(directory, host),
    GlobalKnownHostsFile: "/dev/null",
    KnownHostsCommand: "none",
    ...(krl === null ? {} : { RevokedHostKeys: krl }),
    HostKeyAlias: aliasOf(host),
    VerifyHostKeyDNS: "no",
    UpdateHostKeys: "no",
    CheckHostIP: "no",
    ForwardAgent: "no",
    ForwardX11: "no",
    ClearAllForwardings: "yes",
    PermitLocalCommand: "no",
    RequestTTY: "no",
    ConnectTimeout: String(bounds.connect),
    ServerAliveInterval: String(bounds.alive),
    ServerAliveCountMax: String(bounds.missing),
    ControlMaster: "auto",
    ControlPath: controlPath(directory, host),
    ControlPersist: String(bounds.persist),
  };
  return [
    "-T",
    "-p",
    String(host.port),
    "-l",
    host.user ?? gateUser,
    ...(identity === null ? [] : ["-i", identity, "-o", "IdentitiesOnly=yes"]),
    ...Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]),
  ];
}

/** What ssh(1) said, as one of ours: a key that is not the host's is a refusal, all else is "not reachable". */
export function connectionError(host: Host, stderr: string): NixsealError {
  const where = { host: host.name };
  const refusal = hostKeyRefusal(host, stderr);
  if (refusal !== null) return new NixsealError("refused", refusal.message, { hint: refusal.hint, where });
  const last = stderr.trim().split("\n").at(-1)?.trim().slice(0, 300) ?? "";
  const denied = /Permission denied/.test(stderr);
  return new NixsealError(denied ? "refused" : "io", last === "" ? "the connection failed" : last, {
    hint: denied ? `does the host know your key for the user '${host.user ?? gateUser}'?` : undefined,
    where,
  });
}
