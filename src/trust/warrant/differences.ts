/** Whether a store holds exactly what a warrant names. Pure. */
import { formatContentAddress } from "../../nix/content-address.ts";
import { typedNix32 } from "../../nix/hash.ts";
import { byPath, type StorePath } from "../../nix/store-path.ts";
import type { ClosurePath } from "./closure.ts";

export interface Difference {
  readonly path: StorePath;
  readonly field: "missing" | "extra" | "narHash" | "narSize" | "references" | "ca";
  /** As the warrant has it; the empty string where it has nothing. */
  readonly signed: string;
  readonly found: string;
}

/**
 * Every field in which the store's own word differs from the signed one. A planted path has the right name and another NAR hash;
 * one that refers to more than was signed brings that along.
 */
export function differencesOf(signed: readonly ClosurePath[], found: readonly ClosurePath[]): Difference[] {
  const known = new Map(found.map((one) => [one.path, one]));
  const named = new Set(signed.map(({ path }) => path));
  const differences = signed.flatMap((one): Difference[] => {
    const { path } = one;
    const other = known.get(path);
    if (other === undefined) return [{ path, field: "missing", signed: typedNix32(one.narHash), found: "" }];
    const [wanted, actual] = [fieldsOf(one), fieldsOf(other)];
    return fields.flatMap((field) =>
      wanted[field] === actual[field] ? [] : [{ path, field, signed: wanted[field], found: actual[field] }],
    );
  });
  const extra = found.flatMap((one): Difference[] =>
    named.has(one.path)
      ? []
      : [{ path: one.path, field: "extra", signed: "", found: typedNix32(one.narHash) }],
  );
  return [...differences, ...extra];
}

const fields = ["narHash", "narSize", "references", "ca"] as const;

function fieldsOf(one: ClosurePath): Record<(typeof fields)[number], string> {
  return {
    narHash: typedNix32(one.narHash),
    narSize: String(one.narSize),
    references: [...new Set(one.references)].sort(byPath).join(" "),
    ca: one.contentAddress === null ? "" : formatContentAddress(one.contentAddress),
  };
}
