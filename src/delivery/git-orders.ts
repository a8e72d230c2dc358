/**
 * Orders from the fleet's own repository. The host fetches it and has every commit judged, from the one that it trusts for what it is
 * (the introduction), before it looks at anything in it. What was accepted is remembered, and the branch may only go on from there.
 */
import { NixsealError } from "../core/errors.ts";
import type { Files } from "../core/file-ports.ts";
import type { Processes } from "../core/ports.ts";
import type { GateConfig } from "../gate/config.ts";
import { Git, gitFailed } from "../trust/commits/git.ts";
import { readKrl } from "../trust/certificates/revocation-list.ts";
import { parseEnvelope, envelopeLimits } from "../trust/root/envelope.ts";
import { readChain, rootFile } from "../trust/root/store.ts";
import type { WarrantEnvelope } from "../trust/warrant/envelope.ts";
import { warrantLimits } from "../trust/warrant/limits.ts";
import type { Subject } from "../trust/warrant/model.ts";
import { newestFor } from "../trust/warrant/newest.ts";
import { formatStatusBundle } from "../trust/warrant/status-bundle.ts";
import { warrantFile } from "../trust/warrant/store.ts";
import { CommitFiles } from "./commit-files.ts";
import { fetchBranch } from "./git-fetch.ts";
import { judgeBranch } from "./git-judge.ts";
import { sha256Hex, type DeliveryHead } from "./head.ts";
import type { GitSource } from "./pull-config.ts";
import type { OrderSource } from "./source.ts";

export interface GitWorld {
  readonly files: Pick<Files, "makeDirectory" | "statusOfLink" | "freeSpace">;
  readonly processes: Pick<Processes, "run" | "converse">;
  readonly config: GateConfig;
  readonly verifier: readonly string[];
}

/** Roots that a host may have missed. */
const mostRoots = 60;

export class GitOrders implements OrderSource {
  readonly name: string;
  readonly #world: GitWorld;
  readonly #source: GitSource;
  readonly #directory: string;
  #commit: CommitFiles | null = null;

  /** `directory`: for the host's own copy of the repository. */
  constructor(world: GitWorld, source: GitSource, directory: string) {
    this.name = `${source.url}, branch ${source.branch}`;
    this.#world = world;
    this.#source = source;
    this.#directory = directory;
  }

  /** The tag is the tip's id: a branch that stands where it stood is not judged again. */
  async head(tag: string | null): Promise<{ readonly head: DeliveryHead; readonly tag: string } | null> {
    const { processes, files, verifier, config } = this.#world;
    await fetchBranch({ processes, files }, this.#source, this.#directory);
    const git = new Git(processes, this.#directory);
    const tip = await this.#tip(git);
    if (tip === tag) return null;
    await judgeBranch(processes, verifier, this.#source, this.#directory);
    if ((await this.#tip(git)) !== tip)
      throw new NixsealError("conflict", `${this.#directory} was written to by somebody else`);
    this.#commit = new CommitFiles(git, tip, this.#source.directory);
    const { warrant, digest } = await this.#newest(this.#commit);
    const { fleet, host } = config;
    const { subject, seq } = warrant;
    const group = subject.kind === "group" ? subject.name : null;
    const status = sha256Hex(await this.status());
    return { head: { fleet, host, group, seq, warrant: digest, status, log: null }, tag: tip };
  }

  order(subject: Subject, seq: number): Promise<Uint8Array> {
    return this.#accepted.read(warrantFile(subject, seq), { limit: warrantLimits.file });
  }

  async status(): Promise<Uint8Array> {
    const files = this.#accepted;
    const { root } = parseEnvelope(await files.read(rootFile, { limit: envelopeLimits.file }));
    const roots = (await readChain(files, ".", Math.max(1, root.version - mostRoots + 1))) ?? [];
    return formatStatusBundle({ roots, krl: await readKrl(files, "."), heads: new Map() });
  }

  /** Whether the host is in a group is the word of the commit's root here, and of the accepted one when the gate decides. */
  async #newest(files: CommitFiles): Promise<WarrantEnvelope> {
    const { host, tags } = this.#world.config;
    const { root } = parseEnvelope(await files.read(rootFile, { limit: envelopeLimits.file }));
    const newest = await newestFor(files, ".", root, { name: host, labels: tags });
    if (newest !== null) return newest;
    throw new NixsealError("not-found", `${this.name}: there is no order for ${host}`);
  }

  get #accepted(): CommitFiles {
    if (this.#commit !== null) return this.#commit;
    throw new NixsealError("bug", "a repository is read before its commits are judged");
  }

  async #tip(git: Git): Promise<string> {
    const { code, stdout, stderr } = await git.run([
      "rev-parse",
      "--verify",
      `refs/heads/${this.#source.branch}^{commit}`,
    ]);
    if (code !== 0) throw gitFailed("rev-parse", stderr);
    return Buffer.from(stdout).toString("latin1").trim();
  }
}
