import type { Source } from "../../trust/warrant/model.ts";
import { warrantsDirectory } from "../../trust/warrant/store.ts";
import { receiptsDirectory } from "../host-receipts.ts";
import type { Context } from "../op.ts";
import { readingGit } from "../reading-git.ts";

/** What a deployment writes itself, and nothing is built from. */
const notBuilt = [`:!${warrantsDirectory}`, `:!${receiptsDirectory}`];

/**
 * The commit that the fleet's directory is at; null, with a warning, when there is none or the tree is not what was committed:
 * a warrant that names a commit from which nobody can build the same is worse than one that names none.
 */
export async function gitSource(
  { processes, emit }: Pick<Context, "processes" | "emit">,
  directory: string,
  fleet: string,
): Promise<Source | null> {
  const git = async (...args: string[]): Promise<string | null> => {
    const stdout = await readingGit(processes, directory, args);
    return stdout === null ? null : Buffer.from(stdout).toString("utf8").trim();
  };
  const ids = (await git("rev-parse", "HEAD^{commit}", "HEAD^{tree}"))?.split("\n");
  const status = ids === undefined ? null : await git("status", "--porcelain", "--", ".", ...notBuilt);
  const [commit, tree] = ids ?? [];
  if (commit === undefined || tree === undefined || status === null) {
    emit({ type: "warning", message: "no commit here, so the warrant names no source" });
    return null;
  }
  if (status !== "") {
    emit({
      type: "warning",
      message: "there are changes that are not committed, so the warrant names no source",
      hint: "commit, build from that, and create the warrant again",
    });
    return null;
  }
  return { repo: publicAddress(await git("config", "--get", "remote.origin.url"), fleet), commit, tree };
}

/** Without the user and password that an HTTPS remote may hold: a warrant is public. */
function publicAddress(url: string | null, fleet: string): string {
  if (url === null || url === "" || url.length > 512 || /[^\x21-\x7e]/.test(url)) return fleet;
  if (!URL.canParse(url)) return url;
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}
