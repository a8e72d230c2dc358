/** Small store paths that the lab makes by itself: their archives are made in memory. */
import { concat, utf8 } from "../../core/bytes.ts";
import { narMagic } from "../../nix/nar/format.ts";
import type { PathInfo } from "../../nix/path-info.ts";
import { sha256 } from "../../nix/hash.ts";
import { byPath, makeStorePath, type StorePath } from "../../nix/store-path.ts";

/** A string is the content of an executable file, `text` of one that is none. */
export type Content =
  | string
  | { readonly text: string }
  | { readonly link: string }
  | { readonly entries: Readonly<Record<string, Content>> };

export interface LabPath {
  readonly info: PathInfo;
  readonly nar: Uint8Array;
}

/** A path whose name does not follow from its content, as those of builds: `seed` stands for the derivation. */
export function builtPath(
  name: string,
  seed: string,
  content: Content,
  references: readonly StorePath[] = [],
): LabPath {
  return withContent(makeStorePath("output:out", sha256(seed), name), content, references);
}

/** Another content under the same path: what an attacker plants. */
export function withContent(
  path: StorePath,
  content: Content,
  references: readonly StorePath[] = [],
): LabPath {
  return withArchive(path, archive(content), references);
}

export function withArchive(
  path: StorePath,
  nar: Uint8Array,
  references: readonly StorePath[] = [],
): LabPath {
  return {
    nar,
    info: {
      path,
      narHash: sha256(nar),
      narSize: nar.length,
      references: [...references].sort(byPath),
      deriver: null,
      signatures: [],
      contentAddress: null,
      registrationTime: null,
      ultimate: false,
    },
  };
}

/** A path that follows from its content: no signature is needed for it anywhere. */
export function contentPath(name: string, content: Content): LabPath {
  const nar = archive(content);
  const contentAddress = { method: "nar", hash: sha256(nar) } as const;
  const made = withArchive(makeStorePath("source", contentAddress.hash, name), nar);
  return { nar, info: { ...made.info, contentAddress } };
}

/** As `nix-store --dump` would write it. */
export function archive(content: Content): Uint8Array {
  return concat(narString(narMagic), node(content));
}

/** The pieces of an archive, for those that no tree on a disk could give. */
export function narString(text: string): Uint8Array {
  const bytes = utf8(text);
  const padded = new Uint8Array(8 + Math.ceil(bytes.length / 8) * 8);
  new DataView(padded.buffer).setBigUint64(0, BigInt(bytes.length), true);
  padded.set(bytes, 8);
  return padded;
}

export function node(content: Content): Uint8Array {
  const strings = (...texts: string[]): Uint8Array => concat(...texts.map(narString));
  if (typeof content === "string")
    return concat(
      strings("(", "type", "regular", "executable", "", "contents"),
      narString(content),
      strings(")"),
    );
  if ("text" in content)
    return concat(strings("(", "type", "regular", "contents"), narString(content.text), strings(")"));
  if ("link" in content) return strings("(", "type", "symlink", "target", content.link, ")");
  const names = Object.keys(content.entries).sort();
  return directory(names.map((name) => [name, node(content.entries[name]!)]));
}

/** Entries in the order given, which an archive may not have. */
export function directory(entries: readonly (readonly [name: string, node: Uint8Array])[]): Uint8Array {
  const parts = entries.map(([name, inner]) =>
    concat(
      narString("entry"),
      narString("("),
      narString("name"),
      narString(name),
      narString("node"),
      inner,
      narString(")"),
    ),
  );
  return concat(narString("("), narString("type"), narString("directory"), ...parts, narString(")"));
}
