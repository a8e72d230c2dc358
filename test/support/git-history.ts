/** Repositories made with stock git and ssh-keygen, and our verdict on them beside git's. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { utf8 } from "../../src/core/bytes.ts";
import { parseRevocations } from "../../src/ssh/revocation-file.ts";
import { files } from "../../src/system/files.ts";
import { processes } from "../../src/system/processes.ts";
import { Frontier } from "../../src/trust/commits/frontier.ts";
import type { ObjectId } from "../../src/trust/commits/object-id.ts";
import { resolveRange } from "../../src/trust/commits/range.ts";
import { openRepository } from "../../src/trust/commits/repository.ts";
import { readSigners } from "../../src/trust/commits/signers.ts";
import { verifyByPolicy } from "../../src/trust/commits/verify-by-policy.ts";
import { verifyBySigners } from "../../src/trust/commits/verify-by-signers.ts";
import { Keygen } from "./ssh-keygen.ts";
import { temporaryDirectory } from "./temporary.ts";

export interface CommitOptions {
  /** The name of an SSH key that signs; without it nobody does. */
  readonly key?: string;
  readonly files?: Readonly<Record<string, string | null>>;
  readonly date?: string;
  readonly configuration?: readonly string[];
}

export interface Verdict {
  readonly accepted: number;
  /** `commit code`, with the ids as they are. */
  readonly refused: readonly (readonly [commit: string, code: string])[];
}

export class History {
  readonly directory: string;
  readonly home: string;
  readonly keys: Keygen;

  constructor(context: TestContext, format: "sha1" | "sha256" = "sha1") {
    this.home = temporaryDirectory(context);
    this.keys = new Keygen(context);
    this.directory = join(this.home, "repository");
    execFileSync("git", ["init", "-q", "-b", "main", `--object-format=${format}`, this.directory]);
    for (const name of ["alice", "bob", "mallory"]) this.keys.key(name);
  }

  get environment(): NodeJS.ProcessEnv {
    const person = (role: string) => ({
      [`GIT_${role}_NAME`]: "Somebody",
      [`GIT_${role}_EMAIL`]: "somebody@example.org",
    });
    return {
      PATH: process.env["PATH"],
      HOME: this.home,
      GNUPGHOME: join(this.home, "gnupg"),
      TZ: "UTC",
      ...person("AUTHOR"),
      ...person("COMMITTER"),
      GIT_CONFIG_NOSYSTEM: "1",
    };
  }

  try(args: readonly string[], options: { input?: string | Uint8Array; date?: string } = {}) {
    const dates =
      options.date === undefined ? {} : { GIT_AUTHOR_DATE: options.date, GIT_COMMITTER_DATE: options.date };
    return spawnSync("git", args, {
      cwd: this.directory,
      env: { ...this.environment, ...dates },
      input: options.input ?? "",
      timeout: 30_000,
    });
  }

  git(...args: string[]): string {
    const { status, stdout, stderr } = this.try(args);
    if (status !== 0) throw new Error(`git ${args.join(" ")}: ${stderr.toString()}`);
    return stdout.toString().trim();
  }

  signing(key: string): string[] {
    return ["-c", "gpg.format=ssh", "-c", `user.signingkey=${this.keys.path(`${key}.pub`)}`];
  }

  write(changes: Readonly<Record<string, string | null>>): void {
    for (const [path, content] of Object.entries(changes)) {
      if (content === null) this.git("rm", "-q", "-r", path);
      else {
        mkdirSync(dirname(join(this.directory, path)), { recursive: true });
        writeFileSync(join(this.directory, path), content);
      }
    }
    this.git("add", "-A");
  }

  /** Its id. */
  commit(
    message: string,
    { key, files: changes = {}, date, configuration = [] }: CommitOptions = {},
  ): ObjectId {
    this.write(changes);
    const sign = key === undefined ? [] : this.signing(key);
    const args = [...sign, ...configuration, "commit", "-q", "--allow-empty", "-m", message];
    if (key !== undefined || configuration.length > 0) args.push("-S");
    const { status, stderr } = this.try(args, date === undefined ? {} : { date });
    if (status !== 0) throw new Error(`git commit: ${stderr.toString()}`);
    return this.id("HEAD");
  }

  id(revision: string): ObjectId {
    return this.git("rev-parse", revision) as ObjectId;
  }

  body(revision: string, type = "commit"): string {
    return this.try(["cat-file", type, revision]).stdout.toString("latin1");
  }

  /** Stores an object as it is, whatever git thinks of it. */
  store(body: string, type = "commit"): ObjectId {
    const args = ["hash-object", "-w", "--literally", "-t", type, "--stdin"];
    const { status, stdout, stderr } = this.try(args, { input: Buffer.from(body, "latin1") });
    if (status !== 0) throw new Error(stderr.toString());
    return stdout.toString().trim() as ObjectId;
  }

  line(principal: string, key: string, options = ""): string {
    return `${principal} ${options === "" ? "" : `${options} `}${this.keys.text(`${key}.pub`)}`;
  }

  /** Whether `git verify-commit` says good. */
  stockAccepts(commit: string, signers: string, ...configuration: string[]): boolean {
    const file = this.keys.write("allowed_signers", signers);
    const args = ["-c", `gpg.ssh.allowedSignersFile=${file}`, ...configuration, "verify-commit", commit];
    return this.try(args).status === 0;
  }

  async bySigners(
    revisions: readonly string[],
    signers: string,
    options: { now?: Date; revoked?: Uint8Array } = {},
  ): Promise<Verdict> {
    const repository = await openRepository(processes, files, this.directory);
    const list = await readSigners(signers, options.revoked && parseRevocations(options.revoked));
    const question = {
      repository,
      range: await resolveRange(repository, revisions),
      signers: async () => list,
      now: options.now ?? new Date(),
      root: null,
      known: () => Frontier.open(null, {}, () => undefined),
      remembers: false,
    };
    return verdictOf(await verifyBySigners(question, files, () => undefined));
  }

  async byPolicy(introduction: ObjectId, ...revisions: string[]): Promise<Verdict> {
    const repository = await openRepository(processes, files, this.directory);
    const question = {
      repository,
      range: await resolveRange(repository, revisions.length === 0 ? ["HEAD"] : revisions),
      introduction,
      revocations: undefined,
      now: new Date(),
      root: () => Promise.reject(new Error("no policy here asks for the root")),
      known: () => Frontier.open(null, {}, () => undefined),
    };
    return verdictOf(await verifyByPolicy(question, files, () => undefined));
  }

  /** A signature in a git note, as docs/commits.md tells members to make it. */
  approve(commit: ObjectId, statement: string, key: string): void {
    this.keys.write("statement", utf8(statement));
    const namespace = "nixseal-approve@v1";
    const signature = this.keys.run(
      ["-Y", "sign", "-q", "-n", namespace, "-f", this.keys.path(key)],
      statement,
    );
    const note = this.keys.write("note", signature);
    this.git("notes", "--ref=nixseal-approvals", "append", "-F", note, commit);
  }
}

function verdictOf(report: {
  readonly accepted: number;
  readonly refused: readonly { readonly commit: string; readonly code: string }[];
}): Verdict {
  return {
    accepted: report.accepted,
    refused: report.refused.map(({ commit, code }) => [commit, code] as const),
  };
}
