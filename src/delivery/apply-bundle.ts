/** A bundle on its host: all of it is looked at before anything is done, then it goes the way of every order. */
import { NixsealError } from "../core/errors.ts";
import type { Files } from "../core/ports.ts";
import { nix32 } from "../nix/base32.ts";
import type { StorePath } from "../nix/store-path.ts";
import type { ClosurePath } from "../trust/warrant/closure.ts";
import { archivesOf, readBundle } from "./bundle.ts";
import { missingPaths, type HostWorld, type Importer } from "./importer.ts";
import { followOrder, whereItStands, type OrderResult } from "./order.ts";

/** Throws `malformed` for damage, `refused` for a bundle of another host and with the gate's reasons, `not-found` for an incomplete one. */
export async function applyBundle(
  world: HostWorld,
  file: string,
  say: (message: string) => void,
): Promise<OrderResult> {
  const { manifest, head, archives, offer } = await readBundle(world.files, file);
  const { fleet, host } = world.config;
  if (manifest.fleet !== fleet || manifest.host !== host)
    throw new NixsealError(
      "refused",
      `the bundle is for ${manifest.host} of ${manifest.fleet}; this is ${host} of ${fleet}`,
    );
  say("the bundle is whole");
  const { heads } = await whereItStands(world);
  const message = await offer(heads);
  const lacking = [...(await missingPaths(world, message.warrant.warrant.paths)).values()].find(
    (path) => !archives.has(hashOf(path)),
  );
  if (lacking !== undefined)
    throw new NixsealError("not-found", `neither this host nor the bundle has ${lacking.path}`, {
      hint: "make one that begins earlier: 'nixseal bundle create' with a smaller --since",
    });
  return followOrder(
    world,
    message,
    head.log,
    (missing, importer) => bring(world.files, file, missing, importer),
    say,
  );
}

/** Bytes: an archive of which several paths are made is held in memory up to this, else it is read once more for each. */
const mostHeld = 1 << 20;

/**
 * The archives come in the order in which Nix takes them. An archive of several paths comes once, where the first of them is due: what
 * refers to others that are still to come waits for another reading.
 */
async function bring(
  files: Pick<Files, "stream">,
  file: string,
  missing: ReadonlyMap<StorePath, ClosurePath>,
  importer: Importer,
): Promise<void> {
  const left = new Map(missing);
  const isDue = ({ path, references }: ClosurePath): boolean =>
    left.has(path) && references.every((reference) => reference === path || !left.has(reference));
  while (left.size > 0) {
    const wanted = byHash(left.values());
    const before = left.size;
    for await (const { hash, nar } of archivesOf(files, file, new Set(wanted.keys()))) {
      const paths = wanted.get(hash)!;
      const first = paths.find(isDue);
      if (first === undefined) {
        for await (const _ of nar);
        continue;
      }
      if (paths.length === 1 || first.narSize > mostHeld) {
        await importer.add(first, nar);
        left.delete(first.path);
        continue;
      }
      const held = await gathered(nar);
      for (let due: ClosurePath | undefined = first; due !== undefined; due = paths.find(isDue)) {
        await importer.add(due, pieces(held));
        left.delete(due.path);
      }
    }
    if (left.size === before)
      throw new NixsealError("malformed", `the bundle's archives never come to ${left.keys().next().value!}`);
  }
}

function hashOf({ narHash }: Pick<ClosurePath, "narHash">): string {
  return nix32(narHash.digest);
}

function byHash(paths: Iterable<ClosurePath>): Map<string, ClosurePath[]> {
  const groups = new Map<string, ClosurePath[]>();
  for (const path of paths) groups.set(hashOf(path), [...(groups.get(hashOf(path)) ?? []), path]);
  return groups;
}

async function gathered(nar: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const piece of nar) parts.push(piece);
  return Buffer.concat(parts);
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
