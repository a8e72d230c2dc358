/** Which of the gate's rules a path falls under. Pure. */
import { formatContentAddress } from "../../nix/content-address.ts";
import { typedNix32 } from "../../nix/hash.ts";
import type { PathInfo } from "../../nix/path-info.ts";
import type { PublicKey } from "../../nix/signing-key.ts";
import { claimOf } from "../../trust/warrant/closure.ts";
import { isContentAddressed, signedBy } from "../proof.ts";
import type { WarrantedPath, WarrantedPaths } from "../warranted.ts";

export type Rule =
  /** A warrant names it, and every field is equal. */
  | { readonly rule: "warranted"; readonly warranted: WarrantedPath }
  /** A warrant names it with something else. */
  | { readonly rule: "differs"; readonly reason: string }
  /** A binary cache that the host's configuration names signed exactly this. */
  | { readonly rule: "upstream" }
  /** Its path follows from its content. */
  | { readonly rule: "content-addressed" }
  /** Somebody must answer for it. */
  | { readonly rule: "other" };

export function ruleFor(
  info: PathInfo,
  warranted: Pick<WarrantedPaths, "get"> | null,
  upstream: readonly PublicKey[],
): Rule {
  const named = warranted?.get(info.path) ?? null;
  // Before the others: an upstream signature must not bring in what the warrant does not mean.
  if (named !== null) {
    const reason = difference(info, named);
    return reason === null ? { rule: "warranted", warranted: named } : { rule: "differs", reason };
  }
  if (signedBy(info, upstream) !== undefined) return { rule: "upstream" };
  return isContentAddressed(info) ? { rule: "content-addressed" } : { rule: "other" };
}

/** The first field in which the upload is not what the warrant names; null when there is none. */
function difference(info: PathInfo, { path: named, envelope }: WarrantedPath): string | null {
  if (claimOf(info) === claimOf(named)) return null;
  const pairs: readonly (readonly [string, string, string])[] = [
    ["content", typedNix32(info.narHash), typedNix32(named.narHash)],
    ["size", String(info.narSize), String(named.narSize)],
    ["content address", addressOf(info), addressOf(named)],
  ];
  const warrant = `warrant ${envelope.warrant.seq} (${envelope.digest.slice(0, 12)})`;
  const found = pairs.find(([, sent, wanted]) => sent !== wanted);
  if (found === undefined) return `its references are not those that ${warrant} names`;
  const [field, sent, wanted] = found;
  return `its ${field} is ${sent}, but ${warrant} names ${wanted}`;
}

function addressOf({ contentAddress }: Pick<PathInfo, "contentAddress">): string {
  return contentAddress === null ? "none" : formatContentAddress(contentAddress);
}
