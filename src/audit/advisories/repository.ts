/** `host/owner/name`, lower-case, of the many ways to write where a source comes from; null where it is no repository. */
export function repositoryKey(url: string): string | null {
  const match =
    /^(?:git\+)?(?:https?|git|ssh):\/\/(?:[^@/]*@)?([a-z0-9.-]+)(?::[0-9]+)?\/([^?#]+)/i.exec(
      url.slice(0, 1024),
    ) ?? /^[a-z]+@([a-z0-9.-]+):([^?#]+)/i.exec(url.slice(0, 1024));
  if (match === null) return null;
  const host = match[1]!.toLowerCase();
  const parts = match[2]!.toLowerCase().split("/").filter(Boolean);
  const known = host === "github.com" || host === "codeberg.org" || host === "bitbucket.org";
  const gitlab = host.startsWith("gitlab.");
  const cut = parts.findIndex((part) => part === "-" || part === "archive" || part === "releases");
  // A forge has owner and name first; elsewhere only what ends in .git is a repository for sure.
  const path = known ? parts.slice(0, 2) : gitlab ? parts.slice(0, cut === -1 ? undefined : cut) : parts;
  if (path.length < (known || gitlab ? 2 : 1)) return null;
  if (!known && !gitlab && !path.at(-1)!.endsWith(".git")) return null;
  return [host, ...path].join("/").replace(/\.git$/, "");
}
