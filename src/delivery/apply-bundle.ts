/** A bundle on its host: all of it is looked at before anything is done, then it goes the way of every order. */
import { basename, dirname } from "node:path";
import { NixsealError } from "../core/errors.ts";
import { hashOf, importArchives } from "./bundle-import.ts";
import { readBundle } from "./bundle.ts";
import { missingPaths, type HostWorld } from "./importer.ts";
import { followOrder, whereItStands, type OrderResult } from "./order.ts";

/** `file`: as `realPath` gives it. Throws `malformed` for damage, `io` for what is no file, `refused` for a bundle of another host and with the gate's reasons, `not-found` for an incomplete one. */
export async function applyBundle(
  world: HostWorld,
  file: string,
  say: (message: string) => void,
): Promise<OrderResult> {
  // It may lie where others write: a pipe in its place would be waited for, a link lead elsewhere.
  const medium = {
    stream: (path: string) => world.files.streamInside(dirname(path), basename(path)),
  };
  const { manifest, head, archives, offer } = await readBundle(medium, file);
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
    (missing, importer) => importArchives(medium, file, missing, importer),
    say,
  );
}
