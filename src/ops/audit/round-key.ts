/** What the result of an audit depends on, as far as it can be told without auditing. */
import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { checks } from "../../audit/checks/all.ts";
import { seenFile, readSeen, staleSince } from "../../audit/advisories/feed/store.ts";
import type { RoundTarget } from "../../audit/round/targets-file.ts";
import { isGitAddress, newestRevision } from "../../audit/target/git-target.ts";
import type { Context } from "../op.ts";
import { stateDirectory } from "../advisories/state.ts";
import { waiversFor } from "./report-on.ts";
import { isBareRepository } from "./subject.ts";

/**
 * The empty string where only an audit tells: a directory may change in any file. Of a repository it is the commit, of a path of
 * the store the path, and of both the advisories, the question and the checks that this version of the program has.
 */
export async function roundKey(
  context: Context,
  target: RoundTarget,
  state: string | undefined,
): Promise<string> {
  const content = await contentOf(context, target);
  if (content === null) return "";
  const asksAdvisories = target.only?.includes("vulnerabilities") !== false;
  const parts = [
    content,
    asksAdvisories ? await advisoriesOf(context, state) : null,
    target.only,
    target.failOn,
    target.toplevel,
    target.cache,
    checks.map(({ id, severity }) => [id, severity]),
  ];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

async function contentOf(context: Context, { target, cache }: RoundTarget): Promise<string | null> {
  const { files, processes, workingDirectory } = context;
  const path = resolve(workingDirectory, target);
  // The content of a store path never changes, whatever cache it lies in; its waivers lie elsewhere.
  if (/^\/[^\s]*\/[0-9a-z]{32}-[^/\s]+$/.test(target)) {
    const waivers = (await waiversFor(context, {})) ?? new Uint8Array();
    return `${target} ${createHash("sha256").update(waivers).digest("hex")}`;
  }
  if (cache !== null) return null;
  const kind = (await files.status(path))?.kind;
  if (kind === undefined && isGitAddress(target)) return newestRevision(processes, target);
  if (kind === "directory" && (await isBareRepository(files, path)))
    return newestRevision(processes, `file://${encodeURI(path)}`);
  return null;
}

/** The version of the feed and whether it may be gone by; without reading the advisories themselves. */
async function advisoriesOf(context: Context, state: string | undefined): Promise<unknown> {
  const directory = stateDirectory(context, state);
  if ((await context.files.status(seenFile(directory))) === null) return "none";
  const seen = await readSeen(context.files, directory);
  if (seen === null) return "none";
  const stale = staleSince(seen, context.clock.now()) !== null;
  return [seen.root.feed, seen.versions.snapshot?.version ?? 0, stale];
}
