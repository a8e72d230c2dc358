/** The stock program, for tests that compare with it (Debian: openssh-client). */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A directory of the test's own with `ssh-keygen` at work in it. */
export class Keygen {
  readonly directory: string;

  /** The directory is removed when the test, or the suite when called in `before`, ends. */
  constructor(context: Pick<TestContext, "after">) {
    this.directory = mkdtempSync(join(tmpdir(), "nixseal-ssh-"));
    context.after(() => rmSync(this.directory, { recursive: true, force: true }));
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  read(name: string): Buffer {
    return readFileSync(this.path(name));
  }

  text(name: string): string {
    return readFileSync(this.path(name), "utf8");
  }

  write(name: string, content: string | Uint8Array): string {
    writeFileSync(this.path(name), content, { mode: 0o600 });
    return this.path(name);
  }

  /** Runs to the end whatever the exit code. The time zone is UTC. */
  try(args: readonly string[], input: string | Uint8Array = ""): Outcome {
    const { status, stdout, stderr, error } = spawnSync("ssh-keygen", args, {
      cwd: this.directory,
      input,
      env: { PATH: process.env["PATH"], TZ: "UTC", LANG: "C" },
      timeout: 30_000,
    });
    if (error !== undefined) throw error;
    return { code: status ?? 255, stdout: stdout.toString(), stderr: stderr.toString() };
  }

  run(args: readonly string[], input: string | Uint8Array = ""): string {
    const { code, stdout, stderr } = this.try(args, input);
    if (code !== 0) throw new Error(`ssh-keygen ${args.join(" ")}: exit ${code}: ${stderr}`);
    return stdout;
  }

  /** Makes NAME and NAME.pub; the comment is the name. */
  key(name: string, type = "ed25519", ...options: string[]): string {
    this.run(["-q", "-t", type, "-N", "", "-C", name, "-f", name, ...options]);
    return this.path(name);
  }
}
