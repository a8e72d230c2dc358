import { utf8 } from "../core/bytes.ts";

/**
 * Nix's order of versions (`compareVersions` in `src/libstore/names.cc`), for ordering what nixpkgs names,
 * nothing else: -1 when `a` is older, 0 when they compare as equal, 1 when `a` is newer.
 */
export function compareVersions(a: string, b: string): -1 | 0 | 1 {
  const left = components(a);
  const right = components(b);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const x = left[i] ?? "";
    const y = right[i] ?? "";
    if (isBefore(x, y)) return -1;
    if (isBefore(y, x)) return 1;
  }
  return 0;
}

/**
 * A derivation's name in its two parts: the version starts after the first dash that is followed by something
 * other than an ASCII letter. Without such a dash the version is empty.
 */
export function parseDrvName(name: string): { name: string; version: string } {
  const dash = /-(?=[^A-Za-z])/s.exec(name);
  if (dash === null) return { name, version: "" };
  return { name: name.slice(0, dash.index), version: name.slice(dash.index + 1) };
}

/** Runs of digits or of anything else; dots and dashes separate. */
function components(version: string): string[] {
  return version.match(/[0-9]+|[^0-9.-]+/g) ?? [];
}

function isBefore(a: string, b: string): boolean {
  const x = asNumber(a);
  const y = asNumber(b);
  if (x !== undefined && y !== undefined) return x < y;
  if (a === "" && y !== undefined) return true;
  if (a === "pre" && b !== "pre") return true;
  if (b === "pre") return false;
  if (y !== undefined) return true; // 2.3a is before 2.3.1
  if (x !== undefined) return false;
  return Buffer.compare(utf8(a), utf8(b)) < 0;
}

/** As Nix does it: digits that overflow a C `int` are compared as text. */
function asNumber(component: string): number | undefined {
  if (!/^[0-9]+$/.test(component)) return undefined;
  const value = Number(component);
  return value <= 2_147_483_647 ? value : undefined;
}
