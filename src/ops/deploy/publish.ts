import { join, resolve } from "node:path";
import * as z from "zod";
import { cacheDirectory } from "../../delivery/head.ts";
import { deliveryFiles, isPublished, publishFiles, type HostDelivery } from "../../delivery/publish.ts";
import { selectHosts } from "../../inventory/selectors.ts";
import { appendForHosts } from "../../log/log.ts";
import { openFleet } from "../fleet-context.ts";
import { op } from "../op.ts";
import { openState } from "../shared-state.ts";
import { table } from "../table.ts";
import { openTrust } from "../trust/open.ts";
import { localStore } from "../warrant/nix-store.ts";
import { copyToCache, deliveryFor } from "./deliver.ts";
import { systemFlags } from "./flags.ts";
import { requireHosts } from "./orders.ts";

export const deployPublish = op({
  effect: "write",
  input: z.object({
    hosts: z.array(z.string()).default([]).describe("which hosts"),
    to: z
      .string()
      .meta({ value: "DIR" })
      .describe("the delivery's directory: hosts read it over HTTP, or as it is"),
    compression: z.enum(["none", "gzip"]).default("gzip").describe("of archives that are added"),
    withoutCache: z.boolean().default(false).describe("orders only: the hosts have a binary cache elsewhere"),
    store: systemFlags.store,
  }),
  positional: ["hosts"],
  output: z.object({
    directory: z.string(),
    hosts: z.array(
      z.object({
        host: z.string(),
        group: z.string().nullable().describe("the group that the order is for, in place of the host"),
        seq: z.number(),
        warrant: z.string(),
        toplevel: z.string(),
        changed: z.boolean(),
      }),
    ),
  }),
  examples: [
    {
      command: "nixseal deploy publish tag:edge --to /srv/deliveries",
      says: "the newest orders, for hosts that pull",
    },
  ],
  run: async (context, { hosts: words, to, compression, withoutCache, store }) => {
    const open = await openFleet(context);
    const hosts = selectHosts(open.fleet, words);
    requireHosts(hosts);
    const trust = await openTrust(context, open.directory);
    const deliveries: HostDelivery[] = [];
    for (const host of hosts) deliveries.push(await deliveryFor(context, open, trust, host));
    const directory = resolve(context.workingDirectory, to);
    // The archives first: an order that a host can see, it can follow.
    const toplevels = [...new Set(deliveries.map(({ newest }) => newest.warrant.toplevel))];
    if (!withoutCache) {
      context.emit({ type: "step", message: "copying into the cache" });
      const place = join(directory, cacheDirectory);
      await copyToCache(context, toplevels, {
        from: localStore(context, store).store,
        cache: place,
        compression,
      });
    }
    const changed: HostDelivery[] = [];
    for (const delivery of deliveries)
      if (!(await isPublished(context.files, directory, delivery))) changed.push(delivery);
    if (changed.length > 0) {
      // First the entry, then what hosts see: so each receipt bears witness of the publication itself.
      const log = await appendForHosts(
        await openState(context, open),
        context.clock,
        {
          what: "deploy.publish",
          by: {
            member: null,
            machine: `${context.environment.get("USER") ?? "someone"}@${context.processes.hostname}`,
          },
          hosts: changed.map(({ host }) => host),
        },
        (names) => ({
          warrants: Object.fromEntries(
            changed.flatMap(({ host, newest }) => (names.includes(host) ? [[host, newest.digest]] : [])),
          ),
        }),
      );
      for (const delivery of changed)
        await publishFiles(context.files, directory, deliveryFiles(delivery, log));
    }
    return {
      directory,
      hosts: deliveries.map((delivery) => {
        const { subject, seq, toplevel } = delivery.newest.warrant;
        return {
          host: delivery.host,
          group: subject.kind === "group" ? subject.name : null,
          seq,
          warrant: delivery.newest.digest,
          toplevel,
          changed: changed.includes(delivery),
        };
      }),
    };
  },
  text: ({ hosts }, paint) =>
    table(
      ["HOST", "ORDER", "", "SYSTEM"],
      hosts.map(({ host, group, seq, changed, toplevel }) => [
        host,
        group === null ? String(seq) : `${seq} of @${group}`,
        changed ? "published" : "as before",
        toplevel,
      ]),
      paint,
    ),
});
