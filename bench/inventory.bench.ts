/** How long a verb takes that loads a large inventory, as a whole process. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { keyLine } from "../test/support/fleets.ts";
import type { Benchmark } from "./figure.ts";

const hosts = 5000;
const secrets = 2000;
const runs = 5;
const program = fileURLToPath(new URL("../../bin/nixseal", import.meta.url));

export async function bench(): Promise<Benchmark> {
  const directory = mkdtempSync(join(tmpdir(), "nixseal-bench-"));
  try {
    writeFileSync(join(directory, "fleet.toml"), fleetText());
    const bare = best(["-e", "0"], directory);
    const loaded = best([program, "host", "show", "h4321"], directory);
    const check = best([program, "fleet", "check"], directory);
    const beside = `bare node: ${Math.round(bare)} ms`;
    return {
      name: `inventory of ${hosts} hosts and ${secrets} secrets`,
      figures: [
        { what: "load, whole process (host show)", value: loaded, unit: "ms", beside, ratio: loaded / bare },
        { what: "validate everything (fleet check)", value: check, unit: "ms", beside, ratio: check / bare },
      ],
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Milliseconds of the fastest run: what the work costs when nothing else runs. */
function best(args: readonly string[], cwd: string): number {
  const times = Array.from({ length: runs }, () => {
    const began = performance.now();
    const { status } = spawnSync(process.execPath, args, { cwd, timeout: 60_000 });
    if (status !== 0) throw new Error(`${args.join(" ")} exited with ${status}`);
    return performance.now() - began;
  });
  return Math.min(...times);
}

function fleetText(): string {
  const host = (n: number): string =>
    `[hosts.h${n}]\naddress = "h${n}.example.org"\nuser = "deploy"\nhost_keys = ["${keyLine(`h${n}`)}"]\ntags = ["prod", "t${n % 50}"]\nsystem = "x86_64-linux"\n\n`;
  const secret = (n: number): string =>
    `[secrets.s${n}]\nhosts = ["h${n}", "tag:t${n % 50}"]\nowner = "grafana"\nrestart = ["grafana.service"]\nmax_age = "90d"\n\n`;
  const many = (count: number, entry: (n: number) => string): string =>
    Array.from({ length: count }, (_, n) => entry(n)).join("");
  return `[members.alice]\nkeys = ["${keyLine("alice")}"]\n\n${many(hosts, host)}${many(secrets, secret)}`;
}
