import { formatContentAddress } from "./content-address.ts";
import { typedNix32 } from "./hash.ts";
import type { PathInfo } from "./path-info.ts";
import { formatNamed } from "./signing-key.ts";
import { baseNameOf, byPath } from "./store-path.ts";

/** A `.narinfo` file for an uncompressed archive at `url`, as a binary cache serves it and `parseNarInfo` reads it. */
export function formatNarInfo(info: PathInfo, url: string): string {
  const { path, narHash, narSize, references, deriver, signatures, contentAddress } = info;
  const lines = [
    `StorePath: ${path}`,
    `URL: ${url}`,
    "Compression: none",
    `NarHash: ${typedNix32(narHash)}`,
    `NarSize: ${narSize}`,
    `References: ${[...new Set(references)].sort(byPath).map(baseNameOf).join(" ")}`,
    ...(deriver === null ? [] : [`Deriver: ${baseNameOf(deriver)}`]),
    ...[...new Set(signatures.map(formatNamed))].sort().map((signature) => `Sig: ${signature}`),
    ...(contentAddress === null ? [] : [`CA: ${formatContentAddress(contentAddress)}`]),
  ];
  return `${lines.join("\n")}\n`;
}
