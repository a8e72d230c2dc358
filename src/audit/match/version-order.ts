/**
 * Which of two versions is the later one, by the order that the advisory names. Null is an answer too: it cannot be told.
 * Pure.
 */
import { compareVersions } from "../../nix/version.ts";
import type { VersionType } from "../advisories/advisory.ts";

export type Order = -1 | 0 | 1 | null;

export function orderOf(a: string, b: string, type: VersionType): Order {
  switch (type) {
    case "nix":
      return compareVersions(a, b);
    case "git":
      return a === b && a !== "" ? 0 : null;
    case "semver":
    case "custom":
      return orderOfReleases(a, b, type === "semver");
    default:
      return type satisfies never;
  }
}

/** Words that come before the release which they stand behind, in their order. */
const before: ReadonlyMap<string, number> = new Map(
  [
    ["dev", "snapshot"],
    ["alpha", "a"],
    ["beta", "b"],
    ["pre", "preview", "m", "milestone"],
    ["rc", "c", "cr"],
  ].flatMap((words, rank) => words.map((word) => [word, rank - 10] as const)),
);
/** Words that come after it. */
const after: ReadonlyMap<string, number> = new Map(
  ["p", "pl", "patch", "post", "sp", "r", "rev", "hotfix"].map((word) => [word, 1] as const),
);
const nothing: ReadonlySet<string> = new Set(["final", "ga", "release", "stable", "v"]);

/** A component as two numbers that are compared in turn; null where a word means nothing to us. */
type Component = { readonly rank: number; readonly value: bigint; readonly word?: string };

/**
 * As most projects mean it: `153.0` and `153.0.0` are the same, `1.0rc1` is before `1.0`, `1.1.1w` and `8.5p1` are after
 * what they stand behind. With `strict` (semver.org) anything after a dash is before the release. A word that is in
 * neither list makes the answer null, unless something before it has decided.
 */
function orderOfReleases(a: string, b: string, strict: boolean): Order {
  // A day says when it was taken, and nothing of releases; among days and years it has its place.
  if (isDay(a) ? !isYearly(b) : isDay(b) && !isYearly(a)) return null;
  const left = components(a, strict);
  const right = components(b, strict);
  const end: Component = { rank: 0, value: 0n };
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const x = left[i] ?? end;
    const y = right[i] ?? end;
    if (x.word !== undefined || y.word !== undefined) {
      if (x.word === y.word) continue;
      return null;
    }
    if (x.rank !== y.rank) return x.rank < y.rank ? -1 : 1;
    if (x.value !== y.value) return x.value < y.value ? -1 : 1;
  }
  return 0;
}

const isDay = (version: string): boolean => /^(?:19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}$/.test(version);
const isYearly = (version: string): boolean => /^(?:19|20)[0-9]{2}(?![0-9])/.test(version);

/** Digits are compared as numbers of any size; 100 of them at most, since a conversion is not linear. */
function components(version: string, strict: boolean): Component[] {
  const plain = version.replace(/\+.*$/s, "");
  const dash = strict ? plain.indexOf("-") : -1;
  const core = dash === -1 ? plain : plain.slice(0, dash);
  const parts = split(core);
  if (dash === -1) return parts;
  // Semver 2.0.0, section 11: identifiers of a pre-release, numbers before words.
  while (parts.length < 3) parts.push({ rank: 0, value: 0n });
  for (const identifier of plain
    .slice(dash + 1)
    .split(".")
    .slice(0, 20))
    parts.push(
      /^[0-9]{1,100}$/.test(identifier)
        ? { rank: -20, value: BigInt(identifier) }
        : { rank: -10, value: textValue(identifier) },
    );
  parts.push({ rank: -30, value: 0n }); // fewer identifiers are before more
  return parts;
}

function split(text: string): Component[] {
  const tokens = text.toLowerCase().match(/[0-9]{1,100}|[a-z]+/g) ?? [];
  const parts: Component[] = [];
  for (let i = 0; i < Math.min(tokens.length, 40); i++) {
    const token = tokens[i]!;
    if (/^[0-9]/.test(token)) {
      parts.push({ rank: 0, value: BigInt(token) });
      continue;
    }
    if (nothing.has(token)) continue;
    const next = /^[0-9]/.test(tokens[i + 1] ?? "") ? tokens[i + 1]! : null;
    // OpenSSL's letters stand alone (1.1.1a); a letter with a number behind is a stage (3.13.0a1).
    if (token.length === 1 && next === null) parts.push({ rank: 1, value: BigInt(token.charCodeAt(0)) });
    else {
      const rank = before.get(token) ?? after.get(token);
      if (rank === undefined) parts.push({ rank: 0, value: 0n, word: token });
      else {
        parts.push({ rank, value: BigInt(next ?? "0") });
        if (next !== null) i++;
      }
    }
  }
  return parts;
}

/** Text as a number that orders as its bytes do, padded to one width. */
function textValue(text: string): bigint {
  return BigInt(`0x${Buffer.from(text.slice(0, 64).padEnd(64, "\0"), "latin1").toString("hex")}`);
}
