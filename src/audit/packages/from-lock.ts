/** flake.lock: which revisions of nixpkgs a flake is built from. Nothing else is known of its packages. */
import { document, optionalText } from "../advisories/fields.ts";
import { revision } from "../advisories/channels.ts";

export interface LockedNixpkgs {
  /** The node's name in the file. */
  readonly node: string;
  readonly revision: string;
}

/** Nodes that are locked to NixOS/nixpkgs. Throws `malformed`. */
export function nixpkgsOfLock(bytes: Uint8Array): LockedNixpkgs[] {
  const top = document(bytes, "flake.lock", 16 << 20);
  const { value } = top.get("version");
  if (value !== 5 && value !== 6 && value !== 7) throw top.get("version").wrong("5, 6 or 7");
  return top
    .get("nodes")
    .entries()
    .slice(0, 10_000)
    .flatMap(([node, field]) => {
      const locked = field.get("locked");
      if (locked.isNull || locked.get("rev").isNull) return [];
      const repository = `${optionalText(locked.get("owner"), 256)}/${optionalText(locked.get("repo"), 256)}`;
      const url = optionalText(locked.get("url"), 2048);
      const isNixpkgs =
        repository.toLowerCase() === "nixos/nixpkgs" || /[/:]NixOS\/nixpkgs(?:\.git)?$/i.test(url);
      return isNixpkgs ? [{ node, revision: locked.get("rev").parsed(revision) }] : [];
    });
}
