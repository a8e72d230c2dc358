import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { manifestText, type ManifestSecret } from "../src/secrets/manifest.ts";
import type { Benchmark } from "./figure.ts";

const agent = fileURLToPath(new URL("../../bin/nixseal-agent", import.meta.url));
const env = { ...process.env, NIXOS_ACTION: "", INVOCATION_ID: "" };

function must(program: string, args: readonly string[], input = ""): void {
  const { status, stderr } = spawnSync(program, args, { input, env, encoding: "utf8", timeout: 120_000 });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}`);
}

/** The fastest of some runs: what else the machine does only ever adds. */
function fastest(runs: number, work: (run: number) => void): number {
  const times = Array.from({ length: runs }, (_, run) => {
    const began = process.hrtime.bigint();
    work(run);
    return Number(process.hrtime.bigint() - began) / 1e6;
  });
  return Math.min(...times);
}

/** A manifest of the first `count` secrets. */
function manifestOf(directory: string, count: number): string {
  const secrets = Array.from({ length: count }, (_, index): ManifestSecret => {
    const name = `s${String(index).padStart(4, "0")}`;
    const source = `secrets/${name}.age`;
    const digest = createHash("sha256")
      .update(readFileSync(join(directory, source)))
      .digest("hex");
    const path = `/run/nixseal/secrets/${name}`;
    const units = { restart: [], reload: [], credential: null, together: null };
    const [uid, gid] = [String(process.getuid!()), String(process.getgid!())];
    return { name, source, digest, path, owner: uid, group: gid, mode: "0400", stage: "default", ...units };
  });
  const file = join(directory, `${count}.json`);
  writeFileSync(file, manifestText({ version: 1, host: "bench", identities: ["/key"], secrets }));
  return file;
}

/** Installation on a host, all of it: the program's start, decryption, files, flip. Beside a loop of `age -d`. */
export async function bench(): Promise<Benchmark> {
  const directory = mkdtempSync("/dev/shm/nixseal-bench-");
  try {
    const key = join(directory, "key");
    must("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
    mkdirSync(join(directory, "secrets"));
    for (let index = 0; index < 200; index++) {
      const file = join(directory, "secrets", `s${String(index).padStart(4, "0")}.age`);
      must("age", ["-R", `${key}.pub`, "-o", file], `the value of secret ${index}\n`);
    }
    const install = (count: number, runs: number): number => {
      const manifest = manifestOf(directory, count);
      return fastest(runs, (run) => {
        const root = join(directory, `root-${count}-${run}`);
        mkdirSync(root);
        writeFileSync(join(root, "key"), readFileSync(key), { mode: 0o600 });
        must(process.execPath, [agent, "secrets", "install", "--manifest", manifest, "--root", root]);
      });
    };
    const twenty = install(20, 5);
    const many = install(200, 3);
    const bare = fastest(5, () => must(process.execPath, ["-e", "0"]));
    const loop = fastest(1, () => {
      mkdirSync(join(directory, "out"));
      for (let index = 0; index < 200; index++) {
        const name = `s${String(index).padStart(4, "0")}`;
        must("age", [
          "-d",
          "-i",
          key,
          "-o",
          join(directory, "out", name),
          join(directory, "secrets", `${name}.age`),
        ]);
      }
    });
    const milliseconds = (value: number): string => `${Math.round(value)} ms`;
    return {
      name: "secrets install",
      figures: [
        {
          what: "200 secrets",
          value: many,
          unit: "ms",
          beside: `a loop over age -d: ${milliseconds(loop)}; at least 5 times faster wanted`,
          ratio: loop / many,
        },
        {
          what: "20 secrets",
          value: twenty,
          unit: "ms",
          beside: `node -e 0: ${milliseconds(bare)}; below 150 ms wanted`,
        },
      ],
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
