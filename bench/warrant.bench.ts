import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hex } from "../src/core/bytes.ts";
import { formatHash } from "../src/nix/hash.ts";
import { formatWarrantEnvelope } from "../src/trust/warrant/envelope.ts";
import { encodeWarrant } from "../src/trust/warrant/warrant.ts";
import { closurePath, pathOf, sorted, warrant } from "../test/support/warrants.ts";
import type { Benchmark } from "./figure.ts";

const nixseal = fileURLToPath(new URL("../../bin/nixseal", import.meta.url));
const paths = 2000;
const referencesEach = 6;
const wanted = 500;
const runs = 7;

/** A whole `warrant verify` of a closure as large as a server's, with its metadata compared, from a cold start. */
export async function bench(): Promise<Benchmark> {
  const base = mkdtempSync(join(tmpdir(), "nixseal-bench-"));
  try {
    const home = join(base, "home");
    const fleet = join(base, "fleet");
    for (const directory of [join(home, ".ssh"), fleet])
      mkdirSync(directory, { recursive: true, mode: 0o700 });
    const run = (program: string, ...args: string[]): void => {
      const env = { PATH: process.env["PATH"], HOME: home, LANG: "C.UTF-8" };
      const { status, stderr } = spawnSync(program, args, { cwd: fleet, env, encoding: "utf8" });
      if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}`);
    };
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", join(home, ".ssh/id_ed25519"));
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", join(base, "web"));
    run("git", "init", "-q");
    run(nixseal, "init", "--name", "test", "--member", "alice");
    run(nixseal, "host", "add", "web", "--host-key", join(base, "web.pub"));
    run(nixseal, "trust", "init", "--upstream", "none");
    run(nixseal, "trust", "issue", "alice", "--rights", "activate", "--hosts", "web", "--for", "12h");

    const closure = syntheticClosure();
    const now = Math.floor(Date.now() / 1000) * 1000;
    const order = warrant({
      toplevel: pathOf("package-0-1.0"),
      paths: closure,
      notBefore: new Date(now),
      expires: new Date(now + 3_600_000),
    });
    const file = join(base, "warrant.json");
    writeFileSync(file, formatWarrantEnvelope({ payload: encodeWarrant(order), signatures: [] }));
    run(nixseal, "warrant", "sign", file, "--yes");
    const infos = join(base, "closure.json");
    writeFileSync(infos, pathInfos(closure));

    const bare = fastest(() => run(process.execPath, "-e", "0"));
    const verify = fastest(() => run(nixseal, "warrant", "verify", file));
    const compared = fastest(() => run(nixseal, "warrant", "verify", file, "--closure", infos));
    const beside = `node -e 0: ${bare.toFixed(0)} ms; at most ${wanted} ms wanted`;
    return {
      name: "warrant",
      figures: [
        {
          what: `verify one of ${paths} paths, whole process`,
          value: verify,
          unit: "ms",
          beside,
          ratio: verify / wanted,
        },
        {
          what: "the same, each path compared with a store's metadata",
          value: compared,
          unit: "ms",
          beside,
          ratio: compared / wanted,
        },
      ],
    };
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}

/** Every path refers to some that come after it; the first reaches all. */
function syntheticClosure() {
  const name = (index: number): string => `package-${index}-1.0`;
  return sorted(
    Array.from({ length: paths }, (_, index) => {
      const further = Array.from({ length: referencesEach }, (_, n) => index + 1 + n * n * 7);
      return closurePath(name(index), further.filter((other) => other < paths).map(name));
    }),
  );
}

function pathInfos(closure: ReturnType<typeof syntheticClosure>): string {
  return JSON.stringify(
    closure.map(({ path, narHash, narSize, references }) => ({
      path,
      narHash: formatHash(narHash, "sri"),
      narSize,
      references,
      signatures: [`cache-1:${Buffer.alloc(64).toString("base64")}`],
      deriver: null,
      registrationTime: Number.parseInt(hex(narHash.digest.subarray(0, 3)), 16),
    })),
  );
}

function fastest(work: () => void): number {
  const times = Array.from({ length: runs }, () => {
    const began = process.hrtime.bigint();
    work();
    return Number(process.hrtime.bigint() - began) / 1e6;
  });
  return Math.min(...times);
}
