import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Benchmark } from "./figure.ts";

const nixseal = fileURLToPath(new URL("../../bin/nixseal", import.meta.url));
const secrets = 1000;
const hosts = 20;
/** The peer is timed over a part of the files and scaled: it does the same to each. */
const peerFiles = 100;

const names = Array.from({ length: secrets }, (_, index) => `s${String(index).padStart(4, "0")}`);

function must(
  program: string,
  args: readonly string[],
  options: { input?: string; cwd?: string; env?: NodeJS.ProcessEnv } = {},
): string {
  const { status, stdout, stderr } = spawnSync(program, args, {
    encoding: "utf8",
    timeout: 300_000,
    maxBuffer: 64 << 20,
    ...options,
  });
  if (status !== 0) throw new Error(`${program} ${args.slice(0, 4).join(" ")}: ${stderr}`);
  return stdout;
}

interface Cost {
  readonly milliseconds: number;
  /** Milliseconds of processor, user and system, of the program and its children: does not depend on what else runs. */
  readonly processor: number;
  readonly stdout: string;
}

function measured(
  program: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
): Cost {
  const file = join(options.cwd, "time");
  const began = process.hrtime.bigint();
  const stdout = must("time", ["-f", "%U %S", "-o", file, program, ...args], options);
  const milliseconds = Number(process.hrtime.bigint() - began) / 1e6;
  const [user = 0, system = 0] = readFileSync(file, "utf8").trim().split(" ").map(Number);
  return { milliseconds, processor: 1000 * (user + system), stdout };
}

/** A fleet in memory: hosts and a member with SSH keys, each secret encrypted to the member and all hosts but the last. */
function makeFleet(directory: string): void {
  const keys = Array.from({ length: hosts + 1 }, (_, index) => {
    const key = join(directory, `key${index}`);
    must("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
    return readFileSync(`${key}.pub`, "utf8").split(" ").slice(0, 2).join(" ");
  });
  const [member, ...hostKeys] = keys;
  const toml = [
    '[fleet]\nname = "bench"\n',
    `[members.me]\nkeys = ["${member}"]\n`,
    ...hostKeys.map((key, index) => `[hosts.h${index}]\nhost_keys = ["${key}"]\n`),
    ...names.map((name) => `[secrets.${name}]\nhosts = ["h*"]\n`),
  ];
  writeFileSync(join(directory, "fleet.toml"), toml.join("\n"));
  mkdirSync(join(directory, "secrets"));
  writeFileSync(join(directory, "before"), `${keys.slice(0, -1).join("\n")}\n`);
  writeFileSync(join(directory, "after"), `${keys.join("\n")}\n`);
  for (const name of names) {
    const file = join(directory, "secrets", `${name}.age`);
    must("age", ["-R", join(directory, "before"), "-o", file], { input: `value of ${name}` });
  }
}

/** What one would write without nixseal: decrypt and encrypt again, file after file. */
function loopOverAge(directory: string): Cost {
  mkdirSync(join(directory, "peer"));
  const script = `for f in ${names.slice(0, peerFiles).join(" ")}; do age -d -i key0 secrets/$f.age | age -R after -o peer/$f.age; done`;
  const { milliseconds, processor, stdout } = measured("sh", ["-c", script], { cwd: directory });
  const scale = secrets / peerFiles;
  return { milliseconds: milliseconds * scale, processor: processor * scale, stdout };
}

/** Rekey of a fleet to a new host, and a rekey that finds nothing to do, beside a loop over age. All on tmpfs. */
export async function bench(): Promise<Benchmark> {
  const directory = mkdtempSync("/dev/shm/nixseal-bench-");
  try {
    makeFleet(directory);
    const loop = loopOverAge(directory);
    const env = { ...process.env, NIXSEAL_IDENTITY: join(directory, "key0") };
    const rekey = measured(nixseal, ["secrets", "rekey", "--json"], { cwd: directory, env });
    if ((JSON.parse(rekey.stdout) as { rekeyed: unknown[] }).rekeyed.length !== secrets)
      throw new Error(rekey.stdout.slice(0, 500));
    const nothing = measured(nixseal, ["secrets", "rekey"], { cwd: directory, env });
    if (!nothing.stdout.includes(`${secrets} up to date`)) throw new Error(nothing.stdout);
    for (const name of names) {
      const value = must("age", [
        "-d",
        "-i",
        join(directory, `key${hosts}`),
        join(directory, "secrets", `${name}.age`),
      ]);
      if (value !== `value of ${name}`) throw new Error(`${name} holds ${value}`);
    }
    const size = readFileSync(join(directory, "secrets/s0000.age")).length;
    return {
      name: `rekey of ${secrets} secrets to ${hosts} hosts (${size} bytes a file, all verified with age afterwards)`,
      figures: [
        {
          what: "all of them",
          value: rekey.milliseconds,
          unit: "ms",
          beside: `a loop of age -d | age -R: ${Math.round(loop.milliseconds)} ms; at least 4 times faster wanted`,
          ratio: loop.milliseconds / rekey.milliseconds,
        },
        {
          what: "the same in processor time",
          value: rekey.processor,
          unit: "ms",
          beside: `the loop: ${Math.round(loop.processor)} ms`,
          ratio: loop.processor / rekey.processor,
        },
        {
          what: "nothing to do",
          value: nothing.milliseconds,
          unit: "ms",
          beside: "share of all of them; below 0.15 wanted",
          ratio: nothing.milliseconds / rekey.milliseconds,
        },
      ],
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
