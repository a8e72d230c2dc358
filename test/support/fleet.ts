import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { top } from "../console.ts";
import { temporaryDirectory } from "./temporary.ts";

export interface TestFleet {
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
  /** Runs `nixseal` with these words and this stdin. */
  run(
    words: readonly string[],
    input?: string | Uint8Array,
  ): { code: number | null; stdout: string; stderr: string };
  /** The path of a private key made for the fleet: `alice`, `web`, … */
  key(name: string): string;
  publicKey(name: string): string;
  file(name: string): string;
  write(name: string, text: string): void;
}

export const nixseal = join(top, "bin/nixseal");

/** A fleet in a directory of its own: member alice, whose key is in HOME, hosts web and db, and what `secrets` adds. */
export function testFleet(context: TestContext, secrets: string): TestFleet {
  const base = temporaryDirectory(context);
  const directory = join(base, "fleet");
  const home = join(base, "home");
  for (const path of [directory, join(home, ".ssh")]) mkdirSync(path, { recursive: true, mode: 0o700 });
  const env = { PATH: process.env["PATH"], HOME: home, LANG: "C.UTF-8" };
  const key = (name: string): string => (name === "alice" ? join(home, ".ssh/id_ed25519") : join(base, name));
  const publicKey = (name: string): string =>
    readFileSync(`${key(name)}.pub`, "utf8")
      .split(" ")
      .slice(0, 2)
      .join(" ")
      .trim();
  for (const name of ["alice", "bob", "web", "db"])
    spawnSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", key(name)]);
  const fleet: TestFleet = {
    directory,
    env,
    key,
    publicKey,
    file: (name) => join(directory, name),
    write: (name, text) => writeFileSync(join(directory, name), text),
    run: (words, input = "") => {
      const result = spawnSync(nixseal, words, {
        cwd: directory,
        env,
        input,
        encoding: "utf8",
        timeout: 60_000,
      });
      return { code: result.status, stdout: result.stdout, stderr: result.stderr };
    },
  };
  fleet.write("fleet.toml", `${inventory(publicKey)}${secrets}`);
  return fleet;
}

function inventory(publicKey: (name: string) => string): string {
  return `[fleet]
name = "test"

[hosts.web]
host_keys = ["${publicKey("web")}"]

[hosts.db]
host_keys = ["${publicKey("db")}"]

[members.alice]
keys = ["${publicKey("alice")}"]

`;
}
