/** OpenVEX 0.2: what is known of packages of nixpkgs and of store paths; ranges of versions have no place in it. */
import { exactVersion } from "../exact-version.ts";
import type { Advisory, AffectedProduct } from "../advisory.ts";

const justifications = new Set([
  "component_not_present",
  "vulnerable_code_not_present",
  "vulnerable_code_not_in_execute_path",
  "vulnerable_code_cannot_be_controlled_by_adversary",
  "inline_mitigations_already_exist",
]);

export function toOpenVex(
  advisories: readonly Advisory[],
  author: string,
  id: string,
  now: string,
): Record<string, unknown> {
  return {
    "@context": "https://openvex.dev/ns/v0.2.0",
    "@id": id,
    author,
    timestamp: now,
    version: 1,
    statements: advisories
      .filter(({ withdrawn }) => !withdrawn)
      .flatMap((advisory) => advisory.affected.flatMap((product) => statements(advisory, product))),
  };
}

function statements({ id, aliases }: Advisory, product: AffectedProduct): Record<string, unknown>[] {
  return product.ranges.flatMap((range) => {
    const version = exactVersion(range);
    const name = productId(product, version);
    if (name === null || version === undefined) return [];
    const { reason } = product;
    return [
      {
        vulnerability: { name: id, ...(aliases.length === 0 ? {} : { aliases }) },
        products: [{ "@id": name }],
        ...(range.status === "affected"
          ? { status: "affected", action_statement: reason || "update" }
          : range.status === "unknown"
            ? { status: "under_investigation" }
            : {
                status: "not_affected",
                ...(justifications.has(reason)
                  ? { justification: reason }
                  : { impact_statement: reason || "not affected" }),
              }),
      },
    ];
  });
}

/** The name part of a store path is not known; `x` stands for it, and readers go by the digest. */
function productId({ kind, name }: AffectedProduct, version: string | null | undefined): string | null {
  if (kind === "output") return `/nix/store/${name}-x`;
  const package_ =
    kind === "statement" ? name : kind === "purl" && name.startsWith("nix/") ? name.slice(4) : null;
  if (package_ === null || version === undefined) return null;
  return `pkg:nix/${encodeURIComponent(package_)}${version === null ? "" : `@${encodeURIComponent(version)}`}`;
}
