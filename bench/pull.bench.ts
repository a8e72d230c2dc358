import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { offerFrom } from "../src/delivery/offer.ts";
import { deliveryFiles, publishFiles } from "../src/delivery/publish.ts";
import { webReader } from "../src/delivery/reader.ts";
import { orderFiles } from "../src/delivery/source.ts";
import { files } from "../src/system/files.ts";
import { downloads } from "../src/system/http.ts";
import { root, member, signed, warrant } from "../test/support/warrants.ts";
import { signedRoot } from "../test/support/roots.ts";
import { fixedKey } from "../test/support/ssh-artifacts.ts";
import type { Benchmark } from "./figure.ts";

const hosts = 5000;
/** Hosts that are at it at once; the timer's jitter spreads them further. */
const together = 100;

interface Served {
  readonly requests: number;
  readonly bytes: number;
  readonly rss: number;
}

/** 5,000 hosts that pull, each with its own orders, from one static server: the first look of each, then a look without news. */
export async function bench(): Promise<Benchmark> {
  const directory = mkdtempSync(join(tmpdir(), "nixseal-bench-"));
  const names = Array.from({ length: hosts }, (_, index) => `host${String(index).padStart(4, "0")}`);
  const server = spawn(
    process.execPath,
    [fileURLToPath(new URL("pull-server.js", import.meta.url)), directory],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  const lines = createInterface(server.stdout)[Symbol.asyncIterator]();
  try {
    const trusted = await signedRoot(root, [fixedKey(91)]);
    const [alice, bob] = [member("alice", 1), member("bob", 2)];
    for (const host of names) {
      const newest = await signed(warrant({ subject: { kind: "host", name: host } }), alice, bob);
      const status = { roots: [trusted], krl: null, heads: new Map() };
      await publishFiles(files, directory, deliveryFiles({ host, newest, before: [], status }, null));
    }
    const url = (await lines.next()).value as string;
    const served = async (): Promise<Served> => {
      server.stdin.write("\n");
      return JSON.parse((await lines.next()).value as string) as Served;
    };

    const tags = new Map<string, string | null>();
    const first = await seconds(names, async (host) => {
      const source = orderFiles(webReader(downloads, url), host);
      const found = await source.head(null);
      await offerFrom(source, found!.head, new Map());
      tags.set(host, found!.tag);
    });
    const one = await served();
    const again = await seconds(names, async (host) => {
      const source = orderFiles(webReader(downloads, url), host);
      if ((await source.head(tags.get(host) ?? null)) !== null) throw new Error(`${host} has news`);
    });
    const two = await served();
    const megabytes = (bytes: number): number => bytes / 1e6;
    const poll = `${(two.bytes / hosts).toFixed(0)} bytes a host on the wire, headers included`;
    return {
      name: `pull: ${hosts} hosts, one static server, ${together} at once`,
      figures: [
        {
          what: "first look, with order and status",
          value: first,
          unit: "s",
          beside: `${one.requests} requests`,
        },
        {
          what: "first look",
          value: megabytes(one.bytes),
          unit: "MB",
          beside: `${(one.bytes / hosts).toFixed(0)} bytes a host`,
        },
        {
          what: "no news",
          value: again,
          unit: "s",
          beside: `${two.requests} requests`,
          ratio: again / first,
        },
        {
          what: "no news",
          value: megabytes(two.bytes),
          unit: "MB",
          beside: poll,
          ratio: two.bytes / one.bytes,
        },
        {
          what: "no news",
          value: hosts / again,
          unit: "hosts/s",
          beside: `${(hosts / 300).toFixed(0)}/s is what a timer of 5 min asks for`,
        },
        {
          what: "memory of all pollers",
          value: megabytes(process.memoryUsage.rss()),
          unit: "MB",
          beside: `server ${megabytes(two.rss).toFixed(0)} MB`,
        },
      ],
    };
  } finally {
    server.stdin.end();
    await once(server, "close");
    rmSync(directory, { recursive: true });
  }
}

async function seconds(names: readonly string[], look: (host: string) => Promise<void>): Promise<number> {
  const waiting = [...names];
  const began = process.hrtime.bigint();
  const work = async (): Promise<void> => {
    for (let host = waiting.pop(); host !== undefined; host = waiting.pop()) await look(host);
  };
  await Promise.all(Array.from({ length: together }, work));
  return Number(process.hrtime.bigint() - began) / 1e9;
}
