import { NixsealError } from "../core/errors.ts";
import type { Environment, Processes } from "../core/ports.ts";
import { GateRefusal } from "../gate/answer.ts";

/**
 * The account at the other end. `instance` is systemd's name of the connection (`%i` of a service of a socket with Accept=yes:
 * COUNTER-PID-UID, systemd.socket(5)), which ends with the uid that the kernel gave (SO_PEERCRED). The socket's mode lets in the deploy
 * user and root; another one here means that the mode is wrong, and is refused. Through sudo, its rule has decided, and the
 * uid is for the record. Null for root itself.
 */
export async function peerOf(
  {
    processes,
    environment,
  }: { readonly processes: Pick<Processes, "run">; readonly environment: Environment },
  instance: string | undefined,
  user: string,
): Promise<number | null> {
  const given =
    instance === undefined ? environment.get("SUDO_UID") : /^(?:[^-]*-)+([0-9]+)$/.exec(instance)?.[1];
  if (given === undefined && instance === undefined) return null;
  const uid = /^[0-9]{1,10}$/.test(given ?? "") ? Number(given) : Number.NaN;
  if (Number.isNaN(uid))
    throw new NixsealError("usage", "--peer is not a connection's instance name", {
      hint: "COUNTER-PID-UID, as systemd gives it for %i",
    });
  if (uid === 0) return null;
  if (instance === undefined || uid === (await uidOf(processes, user))) return uid;
  throw new GateRefusal("peer", `the account ${uid} may not send messages; '${user}' may`);
}

async function uidOf(processes: Pick<Processes, "run">, user: string): Promise<number> {
  const { code, stdout } = await processes.run({ program: "id", args: ["-u", "--", user] });
  if (code !== 0) throw new GateRefusal("peer", `the account '${user}' does not exist on this host`);
  return Number(Buffer.from(stdout).toString("latin1"));
}
