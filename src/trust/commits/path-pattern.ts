import { globMatches } from "../../inventory/glob.ts";

/**
 * Patterns of paths in a tree, anchored at its top: `*` and `?` within one name, `**` for any number of directories.
 * `a/**` is everything below `a`, not `a` itself: who may write in a directory may not put a symlink in its place.
 */
export function matchesPath(pattern: string, path: string): boolean {
  return matchSegments(octets(pattern).split("/"), path.split("/"));
}

/** Goes back to the last `**` only, which is enough, and keeps the work within pattern × path. */
function matchSegments(pattern: readonly string[], path: readonly string[]): boolean {
  let [p, t, star, resume] = [0, 0, -1, 0];
  while (t < path.length) {
    if (pattern[p] === "**") {
      if (p === pattern.length - 1) return true;
      [star, resume] = [p++, t];
    } else if (p < pattern.length && globMatches(pattern[p]!, path[t]!)) [p, t] = [p + 1, t + 1];
    else if (star !== -1) [p, t] = [star + 1, ++resume];
    else return false;
  }
  return p === pattern.length;
}

/** Null when it is a pattern of a path, else what is wrong with it. */
export function faultOfPattern(pattern: string): string | null {
  const segments = pattern.split("/");
  if (segments.some((segment) => segment === "" || segment === "." || segment === ".."))
    return "has an empty name, '.' or '..'";
  if (segments.some((segment) => segment !== "**" && segment.includes("**")))
    return "has '**' beside other characters";
  return /\p{Cc}/u.test(pattern) ? "has a control character" : null;
}

/**
 * Whether a path of a tree means another place to whoever unpacks it: git stores names that it never checks out. As
 * `git fsck` has them (`hasDot`, `hasDotdot`, `hasDotgit`, `emptyName`).
 */
export function leadsAway(path: string): boolean {
  return path.split("/").some((name) => /^(?:|\.|\.\.|\.git)$/i.test(name));
}

/** Paths in git are bytes; here each is a character. */
function octets(text: string): string {
  return Buffer.from(text).toString("latin1");
}
