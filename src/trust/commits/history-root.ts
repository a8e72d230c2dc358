/**
 * The fleet's root and revocation list as a history carries them, followed from a root that the verifier pinned: who
 * committed them does not matter, since k of the root keys signed each version. Always the newest that is known, also for
 * older commits: a CA that was taken out and a certificate that was revoked count no more.
 */
import { NixsealError } from "../../core/errors.ts";
import { parseKrl, type Krl } from "../../ssh/krl.ts";
import { decideKrl } from "../certificates/decide.ts";
import { krlFile, readKrl } from "../certificates/revocation-list.ts";
import type { TrustRefusal } from "../refusal.ts";
import { decideChain, effectiveTime } from "../root/decide.ts";
import type { Envelope } from "../root/envelope.ts";
import type { RootMemory } from "../root/memory.ts";
import type { Root } from "../root/root.ts";
import { nothingSeen } from "../root/seen.ts";
import { readChain, rootFile } from "../root/store.ts";
import { parseObject } from "./history.ts";
import type { ObjectId } from "./object-id.ts";
import type { ObjectReader } from "./object-reader.ts";
import type { Repository } from "./repository.ts";
import { TreeFiles } from "./tree-files.ts";

export interface HistoryRoot {
  /** Where it was followed from. */
  readonly pinned: Envelope;
  readonly root: Root;
  readonly krl: Krl | null;
  /** sha256 of the list's file, in hex. */
  readonly krlDigest: string | null;
  /** What it was judged at: never before a time in anything that was accepted. */
  readonly now: Date;
}

export interface RootQuestion {
  readonly repository: Repository;
  readonly reader: ObjectReader;
  /** The ends of the range. */
  readonly tips: readonly ObjectId[];
  readonly pinned: Envelope;
  readonly memory: RootMemory | null;
  readonly clock: Date;
}

/** Throws `refused` with the reason: without a root that is to be believed nothing can be accepted. */
export async function followRoot(question: RootQuestion): Promise<HistoryRoot> {
  const { pinned, memory, clock } = question;
  const seen = (await memory?.read(null)) ?? nothingSeen;
  const now = effectiveTime(clock, seen.time);
  const { chain, list } = await newest(question);
  for (const trusted of [pinned.root, seen.root]) {
    const decision = trusted === null ? null : decideChain(trusted, chain, now);
    if (decision?.accepted === false) throw refused(decision, rootFile);
  }
  const { root } = chain.at(-1)!;
  const decision = decideKrl(list, { root, seen: seen.krl, now });
  if (!decision.accepted) throw refused(decision, krlFile);
  const { krl } = decision;
  const time = krl === null ? seen.time : effectiveTime(new Date(Number(krl.generated) * 1000), seen.time);
  await memory?.remember(null, { root, krl: decision.seen, time });
  return { pinned, root, krl, krlDigest: decision.seen?.digest ?? null, now: effectiveTime(now, time) };
}

interface Found {
  readonly chain: readonly Envelope[];
  readonly list: Awaited<ReturnType<typeof readKrl>>;
}

/** Of several ends the one that is furthest: an old tag beside a branch says nothing about today. */
async function newest({ repository, reader, tips, pinned }: RootQuestion): Promise<Found> {
  let found: Found | null = null;
  for (const tip of tips) {
    const files = await filesOf(reader, repository, tip);
    const chain = await readChain(files, ".", pinned.root.version);
    if (chain === null) continue;
    const one = { chain, list: await readKrl(files, ".") };
    if (found === null || isNewer(one, found)) found = one;
  }
  if (found !== null) return found;
  throw new NixsealError("refused", "the commit holds no root, and certificates count by it", {
    hint: "'nixseal trust init' makes one; one that was there comes back from git",
    where: { file: rootFile },
  });
}

function isNewer(one: Found, other: Found): boolean {
  const [root, otherRoot] = [one, other].map(({ chain }) => chain.at(-1)!.root.version) as [number, number];
  const [krl, otherKrl] = [one, other].map(({ list }) => (list === null ? -1n : parseKrl(list.file).version));
  return root > otherRoot || (root === otherRoot && krl! > otherKrl!);
}

/** The root that a commit holds, unverified: for a commit that is pinned itself. Null where it holds none. */
export async function rootAt(
  reader: ObjectReader,
  repository: Repository,
  commit: ObjectId,
): Promise<Envelope | null> {
  const files = await filesOf(reader, repository, commit);
  const last = Number.MAX_SAFE_INTEGER; // no version before it
  return (await readChain(files, ".", last))?.at(-1) ?? null;
}

/** What a commit holds. */
export async function filesOf(
  reader: ObjectReader,
  repository: Repository,
  commit: ObjectId,
): Promise<TreeFiles> {
  const parsed = parseObject(await reader.read(commit), repository);
  if ("refused" in parsed || parsed.object.type !== "commit")
    throw new NixsealError("refused", `the commit ${commit} is missing or damaged`);
  return new TreeFiles(reader, repository.format, parsed.object.tree);
}

function refused({ code, reason }: TrustRefusal, file: string): NixsealError {
  return new NixsealError("refused", `${reason} [${code}]`, {
    hint: "compare the file with what git had, and with a colleague's",
    where: { file },
  });
}
