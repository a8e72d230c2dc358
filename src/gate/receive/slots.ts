/** How many connections one key, and all together, may have under way: each is a process with some tens of megabytes. */
import { join } from "node:path";
import { NixsealError } from "../../core/errors.ts";
import type { Files, Lock } from "../../core/file-ports.ts";
import { hex } from "../../core/bytes.ts";
import type { Login } from "./login.ts";

export interface SlotLimits {
  readonly perKey: number;
  readonly together: number;
}

/** Orders have slots of their own: slow uploads keep nobody from confirming or reverting. */
export const slotLimits: Readonly<Record<"upload" | "order", SlotLimits>> = {
  upload: { perKey: 4, together: 12 },
  order: { perKey: 4, together: 8 },
};

/**
 * Takes a place, or throws `limit` at once: nobody queues. A place is a lock of the kernel, so that the one of a killed process is
 * free. Places are tried from one that differs between processes, so that many that come at once do not all try the same.
 */
export async function takeSlot(
  files: Pick<Files, "lock" | "makeDirectory">,
  directory: string,
  kind: keyof typeof slotLimits,
  login: Login,
  pid: number,
): Promise<Lock> {
  await files.makeDirectory(directory, { mode: 0o700, parents: true });
  const { perKey, together } = slotLimits[kind];
  const who = ownerOf(login);
  const own = await tryPlaces(files, join(directory, `${kind}-${who}`), perKey, pid);
  if (own === null) throw full(`${perKey} connections of this key are under way`);
  const all = await tryPlaces(files, join(directory, kind), together, pid);
  if (all !== null)
    return {
      release: async () => {
        await all.release();
        await own.release();
      },
    };
  await own.release();
  throw full(`${together} connections are under way`);
}

async function tryPlaces(
  files: Pick<Files, "lock">,
  prefix: string,
  places: number,
  pid: number,
): Promise<Lock | null> {
  for (let n = 0; n < places; n++)
    try {
      return await files.lock(`${prefix}-${(n + pid) % places}`, { wait: 0, purpose: "a connection" });
    } catch (error) {
      if (!(error instanceof NixsealError) || error.code !== "conflict") throw error;
    }
  return null;
}

/** Where sshd says nothing about keys, all logins share one account's places. */
function ownerOf({ keys, member }: Login): string {
  const key = keys?.[0];
  if (key !== undefined)
    return hex(Buffer.from(key.fingerprint.slice("SHA256:".length), "base64")).slice(0, 32);
  return member ?? "anybody";
}

function full(message: string): NixsealError {
  return new NixsealError("limit", message, { hint: "wait until one has ended, then try again" });
}
