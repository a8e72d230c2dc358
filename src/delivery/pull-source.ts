/** From what pull.json says to what orders and archives are read from. */
import { join } from "node:path";
import type { Downloads, Uploads } from "../core/http-ports.ts";
import { GitOrders } from "./git-orders.ts";
import type { HostWorld } from "./importer.ts";
import type { PullConfig } from "./pull-config.ts";
import { directoryReader, webReader, type Reader } from "./reader.ts";
import { cacheOf, orderFiles, type OrderSource } from "./source.ts";

export interface SourceWorld extends HostWorld {
  readonly downloads: Downloads;
  readonly uploads: Uploads;
  /** The command line of `nixseal`, which judges commits. */
  readonly verifier: readonly string[];
}

/** `directory`: where a repository is kept. */
export function sourceOf(world: SourceWorld, { source }: PullConfig, directory: string): OrderSource {
  if (source.kind === "git") return new GitOrders(world, source, join(directory, "repository"));
  return orderFiles(filesOf(world, source), world.config.host);
}

/** Null where only the host's substituters have archives. */
export function cacheReader(world: SourceWorld, { source, cache }: PullConfig): Reader | null {
  if (cache !== null)
    return cache.startsWith("/")
      ? directoryReader(world.files, join(world.paths.root, cache))
      : webReader(world.downloads, cache);
  return source.kind === "git" ? null : cacheOf(filesOf(world, source));
}

function filesOf(world: SourceWorld, source: Exclude<PullConfig["source"], { kind: "git" }>): Reader {
  return source.kind === "web"
    ? webReader(world.downloads, source.url)
    : directoryReader(world.files, join(world.paths.root, source.path));
}
