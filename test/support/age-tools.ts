/** The stock programs, for tests that compare with them (Debian: age, openssh-client). */
import { spawnSync } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Random } from "../../src/core/ports.ts";
import { temporaryDirectory } from "./temporary.ts";

export const random: Random = {
  bytes: (length) => new Uint8Array(randomBytes(length)),
  x25519KeyPair: () => generateKeyPairSync("x25519"),
};

/** A directory of the test's own with `age`, `age-keygen` and `ssh-keygen` at work in it. */
export class AgeTools {
  readonly directory: string;

  constructor(context: TestContext) {
    this.directory = temporaryDirectory(context);
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  read(name: string): Uint8Array {
    return new Uint8Array(readFileSync(this.path(name)));
  }

  text(name: string): string {
    return readFileSync(this.path(name), "utf8");
  }

  write(name: string, content: string | Uint8Array): string {
    writeFileSync(this.path(name), content, { mode: 0o600 });
    return this.path(name);
  }

  /** Runs to the end whatever the exit code; the directory is on PATH for plugins. */
  try(
    program: string,
    args: readonly string[],
    input: string | Uint8Array = "",
  ): { code: number; stdout: Buffer; stderr: string } {
    const { status, stdout, stderr, error } = spawnSync(program, args, {
      cwd: this.directory,
      input,
      env: { PATH: `${this.directory}:${process.env["PATH"]}`, LANG: "C" },
      timeout: 60_000,
      maxBuffer: 256 << 20,
    });
    if (error !== undefined) throw error;
    return { code: status ?? 255, stdout, stderr: stderr.toString() };
  }

  run(program: string, args: readonly string[], input: string | Uint8Array = ""): Buffer {
    const { code, stdout, stderr } = this.try(program, args, input);
    if (code !== 0) throw new Error(`${program} ${args.join(" ")}: exit ${code}: ${stderr}`);
    return stdout;
  }

  /** Writes an age key to NAME and gives its recipient, also written to NAME.pub. */
  ageKey(name: string): string {
    this.run("age-keygen", ["-o", name]);
    const recipient = this.run("age-keygen", ["-y", name]).toString().trim();
    this.write(`${name}.pub`, `${recipient}\n`);
    return recipient;
  }

  /** Writes an SSH key to NAME and gives the line of NAME.pub. */
  sshKey(name: string, type = "ed25519", passphrase = ""): string {
    const bits = type === "rsa" ? ["-b", "2048"] : [];
    this.run("ssh-keygen", ["-q", "-t", type, ...bits, "-N", passphrase, "-C", name, "-f", name]);
    return this.text(`${name}.pub`).trim();
  }
}
