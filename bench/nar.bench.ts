import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hashStream } from "../src/nix/nar/hash.ts";
import { verifyNar } from "../src/nix/nar/verify.ts";
import { writeNar } from "../src/nix/nar/writer.ts";
import { trees } from "../src/system/trees.ts";
import type { Benchmark } from "./figure.ts";

const mebibytes = 1024;
const files = 5000;

/** Hashing one large file beside `nix-hash` and `openssl dgst`, which hashes and does nothing else, and a tree of small files beside `nix-hash`. */
export async function bench(): Promise<Benchmark> {
  const directory = mkdtempSync(join(tmpdir(), "nixseal-bench-"));
  try {
    const large = join(directory, "large");
    writeFileSync(large, new Uint8Array(mebibytes << 20));
    const tree = join(directory, "tree");
    for (let n = 0; n < files; n++) {
      if (n % 100 === 0) mkdirSync(join(tree, String(n / 100)), { recursive: true });
      writeFileSync(join(tree, String(Math.floor(n / 100)), `file-${n}`), new Uint8Array(2000));
    }
    // By turns, the better of each: the first reads what the disk has just been given.
    let [theirs, bare, ours] = [Infinity, Infinity, Infinity];
    for (let round = 0; round < 2; round++) {
      theirs = Math.min(
        theirs,
        seconds(() => peer("nix-hash", "--type", "sha256", large)),
      );
      bare = Math.min(
        bare,
        seconds(() => peer("openssl", "dgst", "-sha256", large)),
      );
      ours = Math.min(ours, await timed(() => hashStream(writeNar(trees, large))));
    }
    const theirTree = seconds(() => peer("nix-hash", "--type", "sha256", tree));
    const ourTree = await timed(() => hashStream(writeNar(trees, tree)));
    const verified = await timed(() => verifyNar(writeNar(trees, tree)));
    return {
      name: "NAR",
      figures: [
        {
          what: `hash of a file of ${mebibytes} MiB`,
          value: mebibytes / ours,
          unit: "MiB/s",
          beside: `nix-hash: ${Math.round(mebibytes / theirs)} MiB/s, openssl dgst: ${Math.round(mebibytes / bare)} MiB/s`,
          ratio: theirs / ours,
        },
        {
          what: `hash of ${files} small files`,
          value: ourTree * 1000,
          unit: "ms",
          beside: `nix-hash with its start: ${Math.round(theirTree * 1000)} ms`,
        },
        { what: "the same, parsed and verified too", value: verified * 1000, unit: "ms", beside: "no peer" },
      ],
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function peer(program: string, ...args: string[]): void {
  const { status } = spawnSync(program, args);
  if (status !== 0) throw new Error(`${program} is missing or failed`);
}

function seconds(work: () => unknown): number {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}
