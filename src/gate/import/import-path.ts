/** The root side's way into the store: one path, from the quarantine, with the words of whoever answers for it. */
import { NixsealError } from "../../core/errors.ts";
import type { PathInfo } from "../../nix/path-info.ts";
import type { WorkerClient } from "../../nix/protocol/worker-client.ts";
import type { StorePath } from "../../nix/store-path.ts";
import { claimOf } from "../../trust/warrant/closure.ts";
import { narName } from "../quarantine/names.ts";
import { copyForRoot, exactly, type CopyPorts } from "./root-copy.ts";

/** What became of it: it was there and right, it came in, or it took the place of one that differed. */
export type Imported = "present" | "added" | "repaired";

export interface ImportResult {
  readonly outcome: Imported;
  /** What Nix says of the path now. */
  readonly info: PathInfo;
}

export interface ImportInto extends CopyPorts {
  readonly client: WorkerClient;
  /** The archive, where it comes with the message; its sender is not to be trusted either. Null: it lies in the quarantine. */
  readonly enclosed: AsyncIterable<Uint8Array> | null;
  /** Where `HASH.nar` lies; its owner is not to be trusted. */
  readonly quarantine: string;
  /** A directory of root's own, for archives that take another's place. */
  readonly copies: string;
  /** Told of what is about to happen, before Nix is asked to take the first byte. */
  readonly begin: (outcome: "added" | "repaired") => Promise<void>;
}

/**
 * Streams the archive to Nix together with the tuple that members have signed. Nix hashes the same bytes that it writes, and makes
 * the path valid only when they have the signed hash: whatever the deploy user does to the file meanwhile, between a look and
 * a use there is nothing, and no more when the archive comes with the message. Nothing that came over the network speaks here but the bytes of the archive, and those only to Nix.
 */
export async function importPath(
  into: ImportInto,
  wanted: Omit<PathInfo, "registrationTime" | "ultimate">,
  { repair }: { readonly repair: boolean },
): Promise<ImportResult> {
  const { files, client, quarantine, enclosed, begin } = into;
  let found = await lookUp(client, wanted.path);
  if (found !== null && claimOf(found) === claimOf(wanted)) {
    if (await client.hold(wanted.path)) return { outcome: "present", info: found };
    found = null; // collected since the question
  }
  if (found !== null && !repair)
    throw new NixsealError("refused", `${wanted.path} is valid with other content`, {
      hint: "a warrant that names it makes the gate replace it",
    });
  const info = { ...wanted, registrationTime: null, ultimate: false };
  let now: PathInfo | null;
  if (found === null) {
    const file = enclosed ?? files.streamInside(quarantine, narName(wanted.narHash), { reuse: true });
    const nar = exactly(file, wanted.narSize);
    await begin("added");
    // The signatures that count are those of the warrant; Nix knows nothing of them.
    now = await client.addHeld({ info, nar }, { checkSignatures: false });
  } else now = await replace(into, info, found);
  if (now === null || claimOf(now) !== claimOf(wanted))
    throw new NixsealError("tool", `Nix took ${wanted.path}, but its database says something else of it`);
  return { outcome: found === null ? "added" : "repaired", info: now };
}

/**
 * To repair, Nix throws the old content away, writes the new one to its place and only then compares the hash. Bytes that the deploy
 * user can still change would then stand in a path that is valid and perhaps in use, so they are proved before.
 */
async function replace(into: ImportInto, info: PathInfo, found: PathInfo): Promise<PathInfo | null> {
  const { files, client, quarantine, enclosed, copies, begin } = into;
  const sent = enclosed ?? files.streamInside(quarantine, narName(info.narHash));
  const copy = await copyForRoot(into, copies, sent, info);
  try {
    // Nix adds references to those of a valid path and never takes one away.
    const stale = found.references.some((reference) => !info.references.includes(reference));
    if (stale) await removeFirst(client, info.path);
    await begin("repaired");
    return await client.addHeld({ info, nar: copy.stream() }, { repair: !stale, checkSignatures: false });
  } finally {
    await copy.remove();
  }
}

/** What Nix says of a path, or null. Asked in two steps: to a question about a path that is not there, Nix remembers the "no" for an hour. */
export async function lookUp(client: WorkerClient, path: StorePath): Promise<PathInfo | null> {
  return (await client.isValid(path)) ? client.queryPathInfo(path) : null;
}

async function removeFirst(client: WorkerClient, path: StorePath): Promise<void> {
  try {
    await client.deletePaths([path]);
  } catch (cause) {
    if (!(cause instanceof NixsealError) || cause.code !== "refused") throw cause;
    throw new NixsealError(
      "refused",
      `${path} is valid with references that no warrant names, and is in use`,
      {
        hint: "on the host, see what uses it (nix-store --query --roots, --referrers) and remove that; then send it again",
        cause,
      },
    );
  }
}
