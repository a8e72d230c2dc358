import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { NixsealError } from "../../src/core/errors.ts";
import type { Files } from "../../src/core/file-ports.ts";
import type { Command, CommandResult } from "../../src/core/ports.ts";
import { SecretValue } from "../../src/core/secret-value.ts";
import type { OpenIdentities } from "../../src/secrets/install/decrypt-stage.ts";
import {
  installSecrets,
  type InstallOptions,
  type InstallReport,
} from "../../src/secrets/install/install.ts";
import { manifestText, type ManifestSecret } from "../../src/secrets/manifest.ts";
import { clock } from "../../src/system/clock.ts";
import { files } from "../../src/system/files.ts";
import { temporaryDirectory } from "./temporary.ts";

export interface Declared extends Partial<Omit<ManifestSecret, "name" | "source" | "digest">> {
  readonly value: string;
}

/** Not encrypted: a test of the installer is about what becomes of values. `bad` stands for a damaged file. */
export const plainIdentities: OpenIdentities = async () => async (ciphertext) => {
  const text = Buffer.from(ciphertext).toString();
  if (!text.startsWith("sealed:")) throw new NixsealError("malformed", "not a sealed value");
  return new SecretValue(new Uint8Array(Buffer.from(text.slice("sealed:".length))));
};

/** The tests run as root in CI and as anybody elsewhere: then only one's own numbers can be given away. */
export const ownUid = process.getuid!();
export const ownGid = process.getgid!();
export const isRoot = ownUid === 0;

/** A throw-away host below a temporary directory: a root, and a directory for manifests. */
export class InstallHost {
  readonly directory: string;
  readonly root: string;
  readonly manifest: string;
  /** What `processes.run` was called with, and what it answers. */
  readonly commands: string[][] = [];
  answer: (command: Command) => Partial<CommandResult> = () => ({});
  environment: Record<string, string> = {};

  constructor(context: TestContext, parent?: string) {
    this.directory = temporaryDirectory(context, parent);
    this.root = join(this.directory, "root");
    this.manifest = join(this.directory, "config", "manifest.json");
    this.write("/etc/ssh/ssh_host_ed25519_key", "a key", 0o600);
    this.write("/etc/passwd", `root:x:0:0::/root:/bin/sh\napp:x:${ownUid}:${ownGid}::/:/bin/sh\n`, 0o644);
    this.write("/etc/group", `root:x:0:\napp:x:${ownGid}:\n`, 0o644);
  }

  at(path: string): string {
    return join(this.root, path);
  }

  write(path: string, content: string, mode: number): void {
    mkdirSync(dirname(this.at(path)), { recursive: true });
    writeFileSync(this.at(path), content);
    chmodSync(this.at(path), mode);
  }

  /** Writes manifest and ciphertexts: the configuration that the next `install` finds. */
  declare(secrets: Readonly<Record<string, Declared>>): void {
    mkdirSync(join(dirname(this.manifest), "secrets"), { recursive: true });
    const names = Object.keys(secrets).sort();
    const entries = names.map((name): ManifestSecret => {
      const { value, ...rest } = secrets[name]!;
      const source = `secrets/${name}.age`;
      const ciphertext = value === "bad" ? "damaged" : `sealed:${value}`;
      writeFileSync(join(dirname(this.manifest), source), ciphertext);
      return {
        name,
        source,
        digest: createHash("sha256").update(ciphertext).digest("hex"),
        path: `/run/nixseal/secrets/${name}`,
        owner: String(ownUid),
        group: String(ownGid),
        mode: "0400",
        stage: "default",
        restart: [],
        reload: [],
        credential: null,
        together: null,
        ...rest,
      };
    });
    const identities = ["/etc/ssh/ssh_host_ed25519_key"];
    writeFileSync(this.manifest, manifestText({ version: 1, host: "web1", identities, secrets: entries }));
  }

  install(
    options: Partial<InstallOptions> = {},
    port: Files = files,
    open: OpenIdentities = plainIdentities,
  ): Promise<InstallReport> {
    const run = async (command: Command): Promise<CommandResult> => {
      this.commands.push([command.program, ...command.args]);
      return { code: 0, stdout: new Uint8Array(), stderr: "", ...this.answer(command) };
    };
    const processes = {
      run,
      converse: () => {
        throw new Error("nobody converses here");
      },
      wrap: () => {
        throw new Error("nobody wraps here");
      },
      pid: process.pid,
      hostname: "test",
    };
    const environment = { get: (name: string) => this.environment[name] };
    return installSecrets({ files: port, processes, clock, environment }, open, {
      manifest: this.manifest,
      root: this.root,
      stage: "default",
      dryRun: false,
      ...options,
    });
  }

  read(secret: string): string {
    return readFileSync(this.at(`/run/nixseal/secrets/${secret}`), "utf8");
  }

  inode(secret: string): number {
    return statSync(this.at(`/run/nixseal/secrets/${secret}`)).ino;
  }
}

/** The report's changes as `name: change`. */
export function changesOf(report: InstallReport): string[] {
  return report.secrets.map(({ name, change }) => `${name}: ${change}`);
}
