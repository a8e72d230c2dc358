import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/**
 * A directory for one test file and stock Nix with a private store in it (no daemon, nothing of the machine's
 * store).
 */
export class StockNix {
  readonly directory: string;
  readonly storeDirectory: string;
  /** Added to the tools' environment. */
  readonly environment: Record<string, string> = {};

  constructor() {
    this.directory = mkdtempSync(join(tmpdir(), "nixseal-nix-"));
    this.storeDirectory = join(this.directory, "store");
  }

  path(...parts: string[]): string {
    return join(this.directory, ...parts);
  }

  /** stdout of a stock tool; its stderr is in the error when it fails. */
  run(program: string, args: readonly string[], input: string | Uint8Array = ""): Buffer {
    const result = this.try(program, args, input);
    if (result.status !== 0) throw new Error(`${program} ${args.join(" ")}: ${result.stderr.toString()}`);
    return result.stdout;
  }

  try(program: string, args: readonly string[], input: string | Uint8Array = "") {
    const result = spawnSync(program, [...args], {
      input,
      cwd: this.directory,
      timeout: 60_000,
      maxBuffer: 256 << 20,
      env: this.allEnvironment,
    });
    if (result.error !== undefined) throw result.error;
    return result;
  }

  /** What a stock tool needs to see this store and nothing of the machine's. */
  get allEnvironment(): Record<string, string> {
    return {
      PATH: process.env["PATH"] ?? "",
      HOME: this.directory,
      NIX_STORE_DIR: this.storeDirectory,
      NIX_STATE_DIR: this.path("state"),
      NIX_LOG_DIR: this.path("log"),
      NIX_LOCALSTATE_DIR: this.path("var"),
      NIX_CONF_DIR: this.path("etc"),
      NIX_CONFIG: "experimental-features = nix-command\nbuild-users-group =\nsandbox = false",
      ...this.environment,
    };
  }

  /** As `run`, while this process goes on: for clients of a server that it holds. */
  async runAside(program: string, args: readonly string[]): Promise<Buffer> {
    const options = {
      cwd: this.directory,
      timeout: 60_000,
      env: this.allEnvironment,
      encoding: "buffer",
    } as const;
    return (await promisify(execFile)(program, [...args], options)).stdout;
  }

  text(program: string, ...args: string[]): string {
    return this.run(program, args).toString().trim();
  }

  json(program: string, ...args: string[]): unknown {
    return JSON.parse(this.text(program, ...args));
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
