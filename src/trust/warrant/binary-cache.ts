/** A closure as a binary cache tells it, which is believed only where it is proved. */
import { join } from "node:path";
import { utf8Text } from "../../core/bytes.ts";
import { at, NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import { contentAddressedPath } from "../../nix/content-address.ts";
import { typedNix32 } from "../../nix/hash.ts";
import { parseNarInfo, verifyNarInfo, type NarInfo } from "../../nix/narinfo.ts";
import type { PublicKey } from "../../nix/signing-key.ts";
import { digestOf, nameOf, storeDirectoryOf, type StorePath } from "../../nix/store-path.ts";
import { closureOf, type Closure } from "./closure.ts";
import { warrantLimits } from "./limits.ts";

const largestNarInfo = 8 << 20;

/**
 * From a directory of narinfo files (`nix copy --to file://DIR`). Every path must bear a signature by one of the keys, or be
 * content-addressed so that its NAR hash follows from its name; else `refused`: whoever writes the cache would choose what is signed.
 */
export async function closureFromCache(
  files: Pick<Files, "read">,
  directory: string,
  keys: readonly PublicKey[],
  toplevel: StorePath,
): Promise<Closure> {
  const infos = new Map<StorePath, NarInfo>();
  const wanted = new Set([toplevel]);
  const unproved: StorePath[] = [];
  for (const path of wanted) {
    const info = await readNarInfo(files, directory, path);
    infos.set(path, info);
    if (!isProved(info, keys)) unproved.push(path);
    for (const reference of info.references) wanted.add(reference);
    if (wanted.size > warrantLimits.paths)
      throw new NixsealError("limit", `the closure has more than ${warrantLimits.paths} paths`);
  }
  if (unproved.length > 0)
    throw new NixsealError("refused", `no given key has signed ${unproved[0]!}${others(unproved)}`, {
      hint: "the upstream keys of the root are asked, and those of --cache-key",
    });
  return closureOf(toplevel, infos.values(), infos.get(toplevel)!.deriver);
}

/** A signature over the exact tuple, or a path that can hold nothing else. */
function isProved(info: NarInfo, keys: readonly PublicKey[]): boolean {
  if (verifyNarInfo(info, keys).some(({ valid }) => valid)) return true;
  const { path, narHash, references, contentAddress } = info;
  // Of the content addresses only this one names the NAR hash itself. With the others the path would be right
  // while the hash beside it, which the warrant makes the law, is the attacker's.
  if (contentAddress?.method !== "nar" || references.includes(path)) return false;
  if (typedNix32(contentAddress.hash) !== typedNix32(narHash)) return false;
  const named = { others: references, self: false };
  return contentAddressedPath(nameOf(path), contentAddress, named, storeDirectoryOf(path)) === path;
}

async function readNarInfo(files: Pick<Files, "read">, directory: string, path: StorePath): Promise<NarInfo> {
  const file = join(directory, `${digestOf(path)}.narinfo`);
  const text = utf8Text(await files.read(file, { limit: largestNarInfo }), "the narinfo");
  try {
    const info = parseNarInfo(text, storeDirectoryOf(path));
    if (info.path === path) return info;
    throw new NixsealError("malformed", `the narinfo is about ${info.path}, not ${path}`);
  } catch (error) {
    throw at(error, { file });
  }
}

function others(paths: readonly StorePath[]): string {
  return paths.length === 1 ? "" : ` and ${paths.length - 1} more`;
}
