import { randomBytes } from "node:crypto";
import { chmodSync, lutimesSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { nix32 } from "../../src/nix/base32.ts";
import { attempt, run, type Result } from "./command.ts";

/** Files by their path below the store path; those that begin with `#!` can be executed. */
export type Contents = Readonly<Record<string, string>>;

/**
 * An operator's store: stock Nix of this machine with a store in a directory, whose paths are called `/nix/store/…` as on the
 * hosts. What is in it nobody has signed, and its names do not follow from its content, as with everything that is built.
 */
export class OperatorStore {
  readonly directory: string;
  readonly #env: NodeJS.ProcessEnv;

  /** `sshOptions` are for stock Nix's ssh. */
  constructor(directory: string, sshOptions: readonly string[]) {
    this.directory = directory;
    mkdirSync(join(directory, "nix/store"), { recursive: true });
    this.#env = {
      ...process.env,
      HOME: directory,
      NIX_REMOTE: `local?root=${directory}`,
      NIX_CONF_DIR: join(directory, "etc"),
      NIX_CONFIG: "experimental-features = nix-command\nbuild-users-group =\nsubstituters =",
      NIX_SSHOPTS: sshOptions.join(" "),
    };
  }

  /** Makes a path of that name with a digest that nobody can tell from its content, and gives it. */
  add(name: string, contents: Contents, references: readonly string[] = []): Promise<string> {
    return this.addAs(`/nix/store/${nix32(randomBytes(20))}-${name}`, contents, references);
  }

  /** The same under a given path: what was planted bears the name of something else. */
  async addAs(path: string, contents: Contents, references: readonly string[] = []): Promise<string> {
    const real = join(this.directory, path);
    for (const [name, text] of Object.entries(contents)) {
      mkdirSync(dirname(join(real, name)), { recursive: true });
      writeFileSync(join(real, name), text, { mode: text.startsWith("#!") ? 0o755 : 0o644 });
    }
    canonical(real);
    const dump = await attempt(["sh", "-c", `nix-store --dump "$0" | wc -c`, real], { env: this.#env });
    const hash = await this.nix("nix-hash", "--type", "sha256", real);
    const registration = [path, hash.trim(), dump.stdout.trim(), "", references.length, ...references, ""];
    await run(["nix-store", "--load-db"], { input: registration.join("\n"), env: this.#env });
    return path;
  }

  /** Runs a stock program of Nix with this store; gives stdout. */
  nix(...argv: readonly string[]): Promise<string> {
    return run(argv, { env: this.#env, timeout: 120_000 });
  }

  /** As `nix`, whatever the exit code. */
  tryNix(...argv: readonly string[]): Promise<Result> {
    return attempt(argv, { env: this.#env, timeout: 120_000 });
  }
}

/** As Nix keeps files: read-only, and of the first second of time. */
function canonical(path: string): void {
  const status = statSync(path);
  if (status.isDirectory()) for (const name of readdirSync(path)) canonical(join(path, name));
  else chmodSync(path, (status.mode & 0o100) === 0 ? 0o444 : 0o555);
  if (status.isDirectory()) chmodSync(path, 0o555);
  lutimesSync(path, 1, 1);
}
