/** Package URLs: `pkg:TYPE/NAMESPACE/NAME@VERSION?QUALIFIERS#SUBPATH` (ECMA-427). */
import { NixsealError } from "../../core/errors.ts";

export interface Purl {
  /** `type/namespace/name` as products are keyed: what the type's rules call equal is equal here. */
  readonly key: string;
  readonly version: string | null;
}

const caseless = new Set(["pypi", "github", "bitbucket", "nix", "composer", "hex", "deb", "golang"]);

/** Throws `malformed`. */
export function parsePurl(text: string): Purl {
  const match = /^pkg:\/*([A-Za-z][A-Za-z0-9.+-]{0,63})\/([^?#]{1,512})(?:\?[^#]*)?(?:#.*)?$/s.exec(text);
  if (match === null) throw new NixsealError("malformed", "expected a package URL (pkg:TYPE/NAME)");
  const at = match[2]!.lastIndexOf("@");
  // The @ of an npm scope is written %40, but some write it plainly.
  const path = at > 0 ? match[2]!.slice(0, at) : match[2]!;
  const version = at > 0 ? decoded(match[2]!.slice(at + 1)) : null;
  return { key: purlKey(match[1]!, path.split("/").filter(Boolean).map(decoded).join("/")), version };
}

export function purlKey(type: string, name: string): string {
  const kind = type.toLowerCase();
  const plain = caseless.has(kind) ? name.toLowerCase() : name;
  // PEP 503: one name in many spellings.
  return `${kind}/${kind === "pypi" ? plain.replace(/[-_.]+/g, "-") : plain}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new NixsealError("malformed", "a package URL has a broken escape", { cause });
  }
}
