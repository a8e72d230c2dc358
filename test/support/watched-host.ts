/** A host under a root of its own: a system in a real Nix database, a feed in a directory, a clock that a test sets. */
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { files } from "../../src/system/files.ts";
import { http } from "../../src/system/http.ts";
import { processes } from "../../src/system/processes.ts";
import type { WatchConfig } from "../../src/watch/config.ts";
import { layoutOf } from "../../src/watch/layout.ts";
import { exitOf, watch, type Watched, type WatchPorts } from "../../src/watch/watch.ts";
import { after, Feed } from "./advisory-publisher.ts";
import { temporaryDirectory } from "./temporary.ts";

export const storePath = (letter: string, name: string): string => `/nix/store/${letter.repeat(32)}-${name}`;

/** `nix-store --load-db`: path, hash, size, deriver, number of references, references. */
export function register(root: string, references: Readonly<Record<string, readonly string[]>>): void {
  const lines = Object.entries(references).flatMap(([path, refs]) => {
    mkdirSync(join(root, path), { recursive: true });
    return [path, "0".repeat(64), "1", "", String(refs.length), ...refs];
  });
  const args = ["--store", root, "--load-db"];
  const { status, stderr } = spawnSync("nix-store", args, {
    input: `${lines.join("\n")}\n`,
    encoding: "utf8",
    timeout: 60_000,
  });
  if (status !== 0) throw new Error(stderr);
}

export const vulnerable = storePath("f", "foo-1.0");
const system = storePath("s", "nixos-system-web1-26.05");

export class WatchedHost {
  readonly root: string;
  readonly feed: Feed;
  readonly layout;
  readonly said: string[] = [];
  now = after(0);
  config: WatchConfig = {
    feed: "/feed",
    root: "/etc/root.json",
    minimum: "high",
    critical: "notify",
    neverStop: [],
  };

  private constructor(context: TestContext, feed: Feed) {
    this.root = temporaryDirectory(context);
    this.feed = feed;
    this.layout = layoutOf(this.root);
  }

  /** Its system has foo 1.0, about which the feed has a critical advisory with this summary. */
  static async make(context: TestContext, summary = "overflow"): Promise<WatchedHost> {
    const feed = await new Feed().publish(after(0), summary);
    await feed.put(feed.root);
    const host = new WatchedHost(context, feed);
    register(host.root, {
      [vulnerable]: [],
      [storePath("b", "bar-2.0")]: [],
      [system]: [vulnerable, storePath("b", "bar-2.0")],
    });
    mkdirSync(join(host.root, "run"));
    symlinkSync(system, join(host.root, "run/current-system"));
    mkdirSync(join(host.root, "etc"));
    writeFileSync(join(host.root, "etc/root.json"), feed.files.get("1.root.json")!);
    host.serve(feed.files);
    return host;
  }

  /** Puts a feed where the host looks. */
  serve(feed: ReadonlyMap<string, Uint8Array>): void {
    rmSync(join(this.root, "feed"), { recursive: true, force: true });
    for (const [name, bytes] of feed) {
      const path = join(this.root, "feed", name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, bytes);
    }
  }

  ports(more: Partial<WatchPorts> = {}): WatchPorts {
    const clock = { now: () => this.now, sleep: () => Promise.resolve() };
    return { files, processes, clock, http, say: (line) => void this.said.push(line), ...more };
  }

  async watch(more: Partial<WatchPorts> = {}): Promise<Watched & { readonly exit: number }> {
    const watched = await watch(this.ports(more), {
      config: this.config,
      root: this.root,
      patch: () => Promise.resolve({ done: false, reason: "nothing waits" }),
    });
    return { ...watched, exit: exitOf(watched, this.now) };
  }
}
