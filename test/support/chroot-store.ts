/** A chroot store of real Nix whose paths are made by hand: of any content, with any references (Debian: nix-bin). */
import { execFile, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { parsePathInfos, type PathInfo } from "../../src/nix/path-info.ts";
import { nix32 } from "../../src/nix/base32.ts";
import { fromBaseName, type StorePath } from "../../src/nix/store-path.ts";

export type Content = string | Readonly<Record<string, string>>;

/** A path whose digest follows from its name alone: with other content it is the same path, as one that was planted. */
export function plainPath(name: string): StorePath {
  const digest = createHash("sha1").update(name).digest();
  return fromBaseName(`${nix32(new Uint8Array(digest))}-${name}`);
}

export class ChrootStore {
  readonly directory: string;
  /** Added to the tools' environment. */
  readonly environment: Record<string, string> = {};

  constructor(directory: string) {
    this.directory = directory;
    fs.mkdirSync(join(directory, "nix/store"), { recursive: true });
  }

  /** Where the files of the path are. */
  at(path: StorePath, ...inside: string[]): string {
    return join(this.directory, path, ...inside);
  }

  /** Registered as something that was built; what was there under the name is replaced. */
  add(name: string, content: Content, references: readonly StorePath[] = []): StorePath {
    const path = plainPath(name);
    this.try("nix-store", ["--delete", path]); // Nix keeps what it knows of a valid path
    this.write(path, content);
    this.register(path, references);
    return path;
  }

  /** The files alone: Nix knows nothing of the path. */
  write(path: StorePath, content: Content): void {
    const place = this.at(path);
    fs.rmSync(place, { recursive: true, force: true });
    if (typeof content === "string") fs.writeFileSync(place, content);
    else
      for (const [file, text] of Object.entries(content)) {
        fs.mkdirSync(dirname(join(place, file)), { recursive: true });
        fs.writeFileSync(join(place, file), text, { mode: 0o755 });
      }
  }

  /** One large file, whose first bytes are `start` and whose others are zeros, taken from no disk. */
  addFile(name: string, size: number, start: string): StorePath {
    const path = plainPath(name);
    const file = fs.openSync(this.at(path), "w");
    fs.writeSync(file, start);
    fs.ftruncateSync(file, size);
    fs.closeSync(file);
    const nar = spawnSync("sh", ["-c", 'nix-store --dump "$0" | sha256sum', this.at(path)], {
      encoding: "utf8",
      env: this.allEnvironment,
    });
    // Magic, '(', type, regular, contents, the length, ')': 112 bytes around the padded content.
    this.#load(path, nar.stdout.slice(0, 64), 112 + Math.ceil(size / 8) * 8, []);
    return path;
  }

  register(path: StorePath, references: readonly StorePath[]): void {
    const nar = this.run("nix-store", ["--dump", this.at(path)], "", []);
    this.#load(path, createHash("sha256").update(nar).digest("hex"), nar.length, references);
  }

  #load(path: StorePath, hash: string, size: number, references: readonly StorePath[]): void {
    const row = [path, hash, size, "", references.length, ...references, ""].join("\n");
    this.run("nix-store", ["--load-db"], row);
  }

  info(path: StorePath): PathInfo {
    const [info] = parsePathInfos(this.text("nix", "path-info", "--json", path));
    if (info === undefined) throw new Error(`${path} is not valid`);
    return info;
  }

  has(path: StorePath): boolean {
    return this.try("nix-store", ["--check-validity", path]).status === 0;
  }

  text(program: string, ...args: string[]): string {
    return this.run(program, args).toString().trim();
  }

  run(program: string, args: readonly string[], input = "", store = this.#store): Buffer {
    const { status, stdout, stderr } = this.try(program, args, input, store);
    if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr.toString()}`);
    return stdout;
  }

  try(program: string, args: readonly string[], input = "", store = this.#store) {
    const result = spawnSync(program, [...store, ...args], {
      input,
      timeout: 60_000,
      maxBuffer: 256 << 20,
      env: this.allEnvironment,
    });
    if (result.error !== undefined) throw result.error;
    return result;
  }

  /** With this store as the default one, while this process goes on. What it says on stdout and stderr. */
  async runAside(program: string, ...args: string[]): Promise<{ stdout: string; stderr: string }> {
    const env = { ...this.allEnvironment, NIX_REMOTE: this.directory };
    return promisify(execFile)(program, args, { timeout: 120_000, env });
  }

  get allEnvironment(): Record<string, string> {
    return {
      PATH: process.env["PATH"] ?? "",
      HOME: this.directory,
      NIX_CONF_DIR: join(this.directory, "etc/nix"),
      NIX_CONFIG: "experimental-features = nix-command\nbuild-users-group =\nsandbox = false\nsubstituters =",
      ...this.environment,
    };
  }

  get #store(): readonly string[] {
    return ["--store", this.directory];
  }
}
