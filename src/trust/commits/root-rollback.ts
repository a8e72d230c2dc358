/**
 * A root or a revocation list that a commit took back: whoever was revoked and may write `trust/` would otherwise begin by
 * removing the list, for every verifier that has no memory of it.
 */
import { NixsealError } from "../../core/errors.ts";
import { decideKrl } from "../certificates/decide.ts";
import { krlFile, krlSignatureFile, readKrl } from "../certificates/revocation-list.ts";
import { decideChain } from "../root/decide.ts";
import type { Envelope } from "../root/envelope.ts";
import { readChain, rootFile } from "../root/store.ts";
import { gitFailed } from "./git.ts";
import { filesOf, type HistoryRoot } from "./history-root.ts";
import type { ObjectId } from "./object-id.ts";
import type { ObjectReader } from "./object-reader.ts";
import type { Repository } from "./repository.ts";
import type { TreeFiles } from "./tree-files.ts";

const mostChanges = 10_000;
const beginning = new Date(0);

/**
 * Throws `refused` where any commit between the ends of a range, or one of the ends that it begins behind, held a newer root or
 * list that was good. What was not good never counted, so it is no rollback to take it out.
 */
export async function refuseRollback(
  repository: Repository,
  reader: ObjectReader,
  { tips, excluded }: { readonly tips: readonly ObjectId[]; readonly excluded: readonly ObjectId[] },
  current: HistoryRoot,
): Promise<void> {
  const ends = [...tips, ...excluded.map((id) => `^${id}`)].map((end) => `${end}\n`).join("");
  // Without --full-history git leaves out the side of a merge whose files the merge did not take.
  const { code, stdout, stderr } = await repository.git.run(
    ["rev-list", "--full-history", "--ignore-missing", "--stdin", "--", rootFile, krlFile, krlSignatureFile],
    undefined,
    Buffer.from(ends),
  );
  if (code !== 0) throw gitFailed("rev-list", stderr);
  const changed = Buffer.from(stdout)
    .toString("latin1")
    .split("\n")
    .filter((line) => line !== "");
  if (changed.length > mostChanges)
    throw new NixsealError(
      "limit",
      `more than ${mostChanges} commits change the root or its revocation list`,
    );
  for (const id of new Set([...(changed as ObjectId[]), ...excluded])) {
    const files = await filesOf(reader, repository, id);
    const fault = (await newerRoot(files, current)) ?? (await newerList(files, current));
    if (fault !== null)
      throw new NixsealError("refused", `${fault.what} in the range's own commit ${id.slice(0, 12)}`, {
        hint: "somebody took it back: find out who, and bring the newer one again",
        where: { file: fault.file },
      });
  }
}

interface Fault {
  readonly what: string;
  readonly file: string;
}

async function newerRoot(files: TreeFiles, { root, pinned }: HistoryRoot): Promise<Fault | null> {
  const chain = await unlessBroken(() => readChain(files, ".", pinned.root.version));
  const version = newestOf(chain);
  if (chain === null || version <= root.version) return null;
  if (!decideChain(pinned.root, chain, beginning).accepted) return null;
  return { what: `root version ${root.version} is older than version ${version}`, file: rootFile };
}

async function newerList(files: TreeFiles, { root, krl, now }: HistoryRoot): Promise<Fault | null> {
  const list = await unlessBroken(() => readKrl(files, "."));
  const decision =
    list === null ? null : await unlessBroken(async () => decideKrl(list, { root, seen: null, now }));
  const version = decision?.accepted === true ? (decision.krl?.version ?? -1n) : -1n;
  if (version <= (krl?.version ?? -1n)) return null;
  const here =
    krl === null ? "the revocation list is gone; version" : `revocation list ${krl.version} is older than`;
  return { what: `${here} ${version}`, file: krlFile };
}

function newestOf(chain: readonly Envelope[] | null): number {
  return chain?.at(-1)?.root.version ?? 0;
}

/** What cannot be read was believed by nobody; a failure of git is none of that. */
async function unlessBroken<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof NixsealError && ["malformed", "limit", "refused"].includes(error.code)) return null;
    throw error;
  }
}
