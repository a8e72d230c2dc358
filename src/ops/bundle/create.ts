import { basename, dirname, join, resolve } from "node:path";
import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import { cacheFiles, checkInfo } from "../../delivery/bundle.ts";
import { writeBundle, type BundlePart } from "../../delivery/bundle-write.ts";
import { cacheDirectory } from "../../delivery/head.ts";
import { deliveryFiles } from "../../delivery/publish.ts";
import { selectHosts } from "../../inventory/selectors.ts";
import { headOfLog } from "../../log/log.ts";
import { digestOf } from "../../nix/store-path.ts";
import type { ClosurePath } from "../../trust/warrant/closure.ts";
import type { Subject } from "../../trust/warrant/model.ts";
import { readKept } from "../../trust/warrant/store.ts";
import { copyToCache, deliveryFor } from "../deploy/deliver.ts";
import { systemFlags } from "../deploy/flags.ts";
import { openFleet, type OpenFleet } from "../fleet-context.ts";
import { op, type Context } from "../op.ts";
import { openState } from "../shared-state.ts";
import { openTrust } from "../trust/open.ts";
import { localStore } from "../warrant/nix-store.ts";

const largestInfo = 8 << 20;

export const bundleCreate = op({
  effect: "plan",
  input: z.object({
    host: z.string().describe("for which host"),
    output: z.string().meta({ short: "o", value: "FILE" }).describe("the bundle's file"),
    since: z.coerce
      .number()
      .int()
      .min(0)
      .default(0)
      .meta({ value: "ORDER" })
      .describe("the order that the host has: what that names is left out (its last receipt says which)"),
    store: systemFlags.store,
  }),
  positional: ["host"],
  output: z.object({
    file: z.string(),
    host: z.string(),
    seq: z.number(),
    since: z.number(),
    toplevel: z.string(),
    archives: z.number(),
    bytes: z.number().describe("of the archives, unpacked"),
  }),
  examples: [
    {
      command: "nixseal bundle create buoy -o /media/stick/buoy.bundle",
      says: "all that a host needs that has no network",
    },
    {
      command: "nixseal bundle create buoy --since 41 -o buoy.bundle",
      says: "only what order 41 does not name",
    },
  ],
  run: async (context, given) => {
    const open = await openFleet(context);
    const [host, ...more] = selectHosts(open.fleet, [given.host]);
    if (host === undefined || more.length > 0)
      throw new NixsealError("usage", "a bundle is for one host", { hint: "make one for each" });
    const trust = await openTrust(context, open.directory);
    const delivery = await deliveryFor(context, open, trust, host, given.since);
    const { warrant } = delivery.newest;
    const had = await pathsOf(context, open, warrant.subject, given.since);
    const paths = warrant.paths.filter(({ narHash }) => !had.has(keyOf({ narHash })));
    const file = resolve(context.workingDirectory, given.output);
    // Beside the bundle, where there must be room anyway.
    const work = join(dirname(file), `.${basename(file)}.parts`);
    try {
      const { store } = localStore(context, given.store);
      const cache = join(work, cacheDirectory);
      await copyToCache(context, [warrant.toplevel], { from: store, cache, compression: "none" });
      for (const path of paths) {
        const info = join(cache, `${digestOf(path.path)}.narinfo`);
        checkInfo(await context.files.read(info, { limit: largestInfo }), path);
      }
      const parts: BundlePart[] = [
        ...deliveryFiles(delivery, await headOfLog(await openState(context, open))).map(
          ({ name, bytes }) => ({ name, content: bytes }),
        ),
        ...[`${cacheDirectory}/nix-cache-info`, ...cacheFiles(paths)].map((name) => ({
          name,
          content: { file: join(work, name) },
        })),
      ];
      const { fleet, seq } = warrant;
      const manifest = await writeBundle(
        context.files,
        file,
        { fleet, host: host.name, seq, since: given.since },
        parts,
      );
      const archives = manifest.files.filter(({ name }) => name.endsWith(".nar"));
      return {
        file,
        host: host.name,
        seq,
        since: given.since,
        toplevel: warrant.toplevel,
        archives: archives.length,
        bytes: archives.reduce((sum, { size }) => sum + size, 0),
      };
    } finally {
      await context.files.removeTree(work);
    }
  },
  text: ({ file, host, seq, archives, bytes }) =>
    [
      `${file}: order ${seq} for ${host}; archives: ${archives}, ${Math.ceil(bytes / 1e6)} MB unpacked`,
      "",
      `Next: on ${host}, nixseal-agent bundle apply FILE; bring the receipt back to 'nixseal bundle receipt'`,
    ].join("\n"),
});

async function pathsOf(
  { files }: Pick<Context, "files">,
  { directory }: OpenFleet,
  subject: Subject,
  seq: number,
): Promise<ReadonlySet<string>> {
  if (seq === 0) return new Set();
  const { warrant } = await readKept(files, directory, subject, seq);
  return new Set(warrant.paths.map(keyOf));
}

function keyOf({ narHash }: Pick<ClosurePath, "narHash">): string {
  return Buffer.from(narHash.digest).toString("hex");
}
