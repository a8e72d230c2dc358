import { basename, posix } from "node:path";
import { globMatches } from "../../inventory/glob.ts";
import type { Check, Hit } from "./check.ts";
import { linesWith, matchesOf } from "./text-matches.ts";

const areas = ["config"] as const;

/** The repository itself. */
export const gitChecks: readonly Check[] = [
  {
    looksAt: "text",
    id: "GIT001",
    name: "bidi-controls",
    severity: "high",
    areas,
    title: "the source holds characters that change the direction of text",
    means: "What a reviewer sees is not what Nix reads: code hides in what looks like a comment.",
    fix: "remove the characters (U+202A to U+202E, U+2066 to U+2069), or write them as escapes",
    references: ["https://trojansource.codes/"],
    files: (path) => /\.(?:nix|ya?ml|toml|sh|py|ts|js|mjs|json|lock|rs|go|c|h)$/.test(path),
    *find({ text }): Generator<Hit> {
      for (const { line } of matchesOf(text, /[\u202a-\u202e\u2066-\u2069]/g)) yield { line };
    },
  },
  {
    looksAt: "text",
    id: "GIT002",
    name: "merge-conflict",
    severity: "medium",
    areas,
    title: "a merge conflict was committed",
    means: "Nobody knows which of the two is meant; the file may not be read at all.",
    fix: "resolve it",
    references: ["https://git-scm.com/docs/git-merge#_how_conflicts_are_presented"],
    files: (path) => /\.(?:nix|ya?ml|toml|sh|lock|json)$/.test(path),
    *find({ text }): Generator<Hit> {
      if (!text.includes("<<<<<<< ") || !/^>>>>>>> \S/m.test(text)) return;
      yield* linesWith(text, /^<<<<<<< \S/);
    },
  },
  {
    looksAt: "text",
    id: "GIT003",
    name: "insecure-submodule",
    severity: "medium",
    areas: ["config", "trust"],
    title: "a submodule is fetched over a connection that anyone on the way can change",
    means: "Whoever stands between sees what is fetched and can hold back commits.",
    fix: "write https:// or ssh:// in .gitmodules",
    references: ["https://git-scm.com/docs/gitmodules"],
    files: (path) => basename(path) === ".gitmodules",
    *find({ text }): Generator<Hit> {
      for (const { line } of matchesOf(text, /^[ \t]*url[ \t]*=[ \t]*(?:http|git|ext|file)::?/gm))
        yield { line };
    },
  },
  {
    looksAt: "tree",
    id: "GIT004",
    name: "symlink-out",
    severity: "medium",
    areas,
    title: "a symlink leads out of the repository",
    means:
      "What it gives depends on the machine; a build or a copy may take along a file that was never meant.",
    fix: "remove it, or let it lead to a file of the repository",
    references: ["https://cwe.mitre.org/data/definitions/61.html"],
    *find({ entries }): Generator<Hit> {
      for (const { path, link } of entries) {
        // `result` and `result-bin` are what `nix build` leaves; they are a matter of .gitignore.
        if (link === undefined || /^result(?:-\w+)?$/.test(path)) continue;
        const target = posix.normalize(posix.join(posix.dirname(path), link));
        if (link.startsWith("/") || target === ".." || target.startsWith("../")) yield { file: path };
      }
    },
  },
  {
    looksAt: "tree",
    id: "GIT005",
    name: "git-crypt-plaintext",
    severity: "critical",
    areas: ["config", "secrets"],
    title: "a file that git-crypt should encrypt is not encrypted",
    means: "It was added before the filter was set up; everybody who can read the repository can read it.",
    fix: "change what it holds, then run 'git-crypt status -f'",
    references: ["https://github.com/AGWA/git-crypt#current-status"],
    *find({ texts, heads }): Generator<Hit> {
      const rules = (texts.get(".gitattributes") ?? "").split("\n").flatMap((line) => {
        const [pattern, ...attributes] = line.trim().split(/\s+/);
        if (pattern === undefined || pattern.startsWith("#")) return [];
        const crypt = attributes.includes("filter=git-crypt");
        return crypt || attributes.some((one) => /^[!-]filter$|^filter=/.test(one))
          ? [{ pattern, crypt }]
          : [];
      });
      if (!rules.some(({ crypt }) => crypt)) return;
      for (const [path, head] of heads) {
        if (basename(path) === ".gitattributes") continue;
        // The last line that matches decides, as in gitattributes(5).
        const rule = rules.findLast(({ pattern }) =>
          globMatches(
            pattern.replace(/^\//, "").replaceAll("**", "*"),
            pattern.includes("/") ? path : basename(path),
          ),
        );
        if (rule?.crypt === true && head !== "" && !head.startsWith("\0GITCRYPT\0")) yield { file: path };
      }
    },
  },
  {
    looksAt: "tree",
    id: "GIT006",
    name: "leftover-file",
    severity: "low",
    areas: ["config", "secrets"],
    title: "a file that an editor or a merge left behind is in the repository",
    means: "It often holds what was taken out of the real file: a key, a password.",
    fix: "remove it, and name its kind in .gitignore",
    references: ["https://cwe.mitre.org/data/definitions/530.html"],
    *find({ entries }): Generator<Hit> {
      for (const { path } of entries) if (/\.(?:swp|swo|orig|rej|bak)$|~$/.test(path)) yield { file: path };
    },
  },
];
