import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hashStream } from "../src/nix/nar/hash.ts";
import { writeNar } from "../src/nix/nar/writer.ts";
import type { PathInfo } from "../src/nix/path-info.ts";
import { ServeClient } from "../src/nix/protocol/serve-client.ts";
import { makeStorePath } from "../src/nix/store-path.ts";
import { clock } from "../src/system/clock.ts";
import { processes } from "../src/system/processes.ts";
import { trees } from "../src/system/trees.ts";
import type { Benchmark } from "./figure.ts";

const mebibytes = 200;
/** The better of so many, by turns: a pipe between two processes feels whatever else the machine does. */
const rounds = 3;
const server = fileURLToPath(new URL("../test/support/protocol-server.js", import.meta.url));

/**
 * Receiving a NAR over a pipe, parsed, hashed and written to a file, beside `nix-store --serve --write` into a
 * private store. Both have the same sender.
 */
export async function bench(): Promise<Benchmark> {
  const directory = mkdtempSync(join(tmpdir(), "nixseal-bench-"));
  const storeDirectory = join(directory, "store");
  try {
    const large = join(directory, "large");
    writeFileSync(large, new Uint8Array(mebibytes << 20));
    const { hash, size } = await hashStream(writeNar(trees, large));
    const info: PathInfo = {
      path: makeStorePath("source", hash, "large", storeDirectory),
      narHash: hash,
      narSize: size,
      references: [],
      deriver: null,
      signatures: [],
      contentAddress: { method: "nar", hash },
      registrationTime: 0,
      ultimate: false,
    };
    const send = async (program: string, args: readonly string[], env: Record<string, string>) => {
      const port = processes.converse({ program, args, env, cwd: directory, timeout: 120_000 });
      const client = await ServeClient.open({ port, clock, directory: storeDirectory });
      const began = performance.now();
      await client.addToStoreNar(info, writeNar(trees, large));
      const took = (performance.now() - began) / 1000;
      await port.end();
      return took;
    };
    let theirs = Infinity;
    let ours = Infinity;
    for (let round = 0; round < rounds; round++) {
      const state = join(directory, `state-${round}`);
      rmSync(storeDirectory, { recursive: true, force: true });
      const stock = send("nix-store", ["--serve", "--write"], {
        NIX_STORE_DIR: storeDirectory,
        NIX_STATE_DIR: state,
        NIX_LOG_DIR: join(directory, "log"),
        NIX_CONF_DIR: join(directory, "etc"),
        NIX_CONFIG: "build-users-group =",
      });
      theirs = Math.min(theirs, await stock);
      const received = join(directory, `received-${round}`);
      const own = send(process.execPath, [server, received, storeDirectory], {
        SSH_ORIGINAL_COMMAND: "nix-store --serve --write",
      });
      ours = Math.min(ours, await own);
      rmSync(received, { recursive: true });
    }
    return {
      name: "receiving",
      figures: [
        {
          what: `a NAR of ${mebibytes} MiB over the serve protocol`,
          value: mebibytes / ours,
          unit: "MiB/s",
          beside: `nix-store --serve --write: ${Math.round(mebibytes / theirs)} MiB/s`,
          ratio: theirs / ours,
        },
      ],
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
