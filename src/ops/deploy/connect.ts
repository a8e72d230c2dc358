/** Connections to the gates of hosts, and what they answer. */
import { resolve } from "node:path";
import { NixsealError } from "../../core/errors.ts";
import {
  accepted,
  askGate,
  gateCommand,
  type GateConnection,
  type GateSuccess,
} from "../../deploy/gate-client.ts";
import { connectionError, gateUser, openSsh, type SshFleet } from "../../deploy/ssh.ts";
import type { Host } from "../../inventory/model.ts";
import { readKrl } from "../../trust/certificates/revocation-list.ts";
import { findFleet } from "../fleet-context.ts";
import type { Context } from "../op.ts";

/**
 * Milliseconds without a word, and in all. Switching a large system is silent for long. A status is said at once, and others wait for it with
 * the fleet's lock in their hands: one host that says nothing must not keep them.
 */
const patience = {
  status: { timeout: 60_000, lifetime: 120_000 },
  work: { timeout: 45 * 60_000, lifetime: 6 * 3600_000 },
};
const atOnce = 32;
/** How `nixseal-agent` begins the line below an error. */
const hintMark = "  hint: ";

export type Way = "shared" | "fresh";

export function gateOf(
  { processes }: Pick<Context, "processes">,
  ssh: SshFleet,
  host: Host,
  way: Way,
): GateConnection {
  return {
    host: host.name,
    start: (kind) =>
      processes.converse({
        ...ssh.command(host, [`${gateCommand} ${kind}`], way),
        ...(kind === "status" ? patience.status : patience.work),
      }),
    failure: (code, stderr) => {
      if (code === 255) return connectionError(host, stderr);
      const lines = stderr.trim().split("\n");
      const said = lines.findLast((line) => !line.startsWith(hintMark))?.slice(0, 500) ?? "";
      // A gate that says no, or why it can't, has its own way out, where it knows one.
      const itsHint = lines.findLast((line) => line.startsWith(hintMark))?.slice(hintMark.length, 500);
      const noGate = `does '${host.user ?? gateUser}' have the gate's forced command there? nixseal host setup ${host.name}`;
      return new NixsealError(
        "tool",
        `the host did not answer as a gate (exit ${code})${said === "" ? "" : `: ${said}`}`,
        { hint: said.startsWith("nixseal-agent: ") ? itsHint : noGate, where: { host: host.name } },
      );
    },
  };
}

/** Runs work with connections that are closed afterwards, whatever happens. */
export async function withSsh<T>(
  context: Pick<Context, "files" | "processes" | "workingDirectory" | "fleet">,
  hosts: readonly Host[],
  identity: string | undefined,
  work: (ssh: SshFleet) => Promise<T>,
): Promise<T> {
  return withLateSsh(context, identity, async (open) => work(await open(hosts)));
}

/**
 * The same where the hosts are known only when work is under way. Whoever opens them for the plan has them for the
 * rollout too: a host that has nothing to do costs one connection.
 */
export async function withLateSsh<T>(
  context: Pick<Context, "files" | "processes" | "workingDirectory" | "fleet">,
  identity: string | undefined,
  work: (open: (hosts: readonly Host[]) => Promise<SshFleet>) => Promise<T>,
): Promise<T> {
  const file = identity === undefined ? null : resolve(context.workingDirectory, identity);
  const krl = await readKrl(context.files, await findFleet(context));
  const opened: SshFleet[] = [];
  try {
    return await work(async (hosts) => {
      const ssh = await openSsh(context, hosts, file, krl?.file ?? null);
      opened.push(ssh);
      return ssh;
    });
  } finally {
    for (const ssh of opened) await ssh.close();
  }
}

/** What each gate knows, or why it could not be asked. */
export async function statuses(
  context: Pick<Context, "processes">,
  ssh: SshFleet,
  hosts: readonly Host[],
): Promise<Map<string, GateSuccess | NixsealError>> {
  const found = new Map<string, GateSuccess | NixsealError>();
  const queue = hosts.values();
  const one = async (): Promise<void> => {
    for (const host of queue) {
      try {
        const answer = await askGate(gateOf(context, ssh, host, "shared"), { kind: "status" });
        found.set(host.name, accepted(answer, host.name));
      } catch (error) {
        if (!(error instanceof NixsealError)) throw error;
        found.set(host.name, error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, hosts.length) }, one));
  return found;
}
