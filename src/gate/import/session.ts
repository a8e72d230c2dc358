/** One connection to the root side that imports: a message for each path, an answer for each message. Messages may overlap. */
import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import type { Clock, Processes } from "../../core/ports.ts";
import { GateRefusal, refusalResult, type GateResult } from "../answer.ts";
import type { GateConfig } from "../config.ts";
import type { Origin } from "../ledger/origin.ts";
import type { GatePaths } from "../paths.ts";
import { pendingDigests } from "../pending.ts";
import { signedBy } from "../proof.ts";
import type { WorkerClient } from "../../nix/protocol/worker-client.ts";
import { openStoreAccess } from "../store-access.ts";
import type { ImportMessage, StoreMessage, UploadMessage, WitnessMessage } from "../store-message.ts";
import { Authority, type AuthorityPorts } from "./authority.ts";
import { GcRoots, type GcRootPorts } from "./gc-roots.ts";
import { importPath, type Imported, type ImportInto } from "./import-path.ts";
import { areInStore } from "./in-store.ts";
import { Recorder, type RecorderPorts } from "./recorder.ts";
import type { CopyPorts } from "./root-copy.ts";
import { SharedAccess } from "./shared-access.ts";
import { Turns } from "./turns.ts";
import { uploadedInfo } from "./uploaded.ts";
import { Witness } from "./witness.ts";

export interface ImportPorts {
  readonly files: AuthorityPorts["files"] &
    CopyPorts["files"] &
    GcRootPorts["files"] &
    RecorderPorts["files"] &
    Pick<Files, "read">;
  readonly clock: Clock;
  readonly processes: Pick<Processes, "converse" | "pid">;
}

/** Milliseconds: certificates and warrants end while a connection lasts. */
const mostAge = 30_000;

/** Changes with everything that the authority is read from. */
async function stampOf(files: AuthorityPorts["files"], paths: GatePaths): Promise<string> {
  const stamps = [paths.trust, paths.accepted, paths.active].map(async (file) => {
    const status = await files.statusOfLink(file);
    return status === null ? "" : `${status.inode}:${status.modified.getTime()}`;
  });
  return [...(await Promise.all(stamps)), ...(await pendingDigests(files, paths))].join();
}

export class ImportSession {
  readonly #ports: ImportPorts;
  readonly #config: GateConfig;
  readonly #paths: GatePaths;
  readonly #roots: GcRoots;
  readonly #recorder: Recorder;
  readonly #witness: Witness;
  #authority: Authority | null = null;
  /** What was written, and the time, when it was read. */
  #stamp = "";
  #since = 0;
  #looking: Promise<unknown> = Promise.resolve();
  readonly #store: SharedAccess;
  readonly #turns = new Turns();
  readonly #notices: string[] = [];

  constructor(ports: ImportPorts, config: GateConfig, paths: GatePaths) {
    this.#ports = ports;
    this.#config = config;
    this.#paths = paths;
    this.#roots = new GcRoots(ports, paths);
    this.#recorder = new Recorder(ports, paths.ledger, areInStore(ports, paths, config));
    const open = () => openStoreAccess(ports, paths, config);
    this.#store = new SharedAccess(open, () => this.#link());
    this.#witness = new Witness({ ...ports, directory: paths.ledger, upstream: config.upstream });
  }

  /** `enclosed` is the archive that comes with the message, from the same hands as a file of the quarantine; it need not be read. */
  async handle(
    message: StoreMessage,
    enclosed: AsyncIterable<Uint8Array> | null = null,
  ): Promise<GateResult> {
    try {
      return { kind: "result", ok: true, outcome: await this.#handle(message, enclosed) };
    } catch (error) {
      if (error instanceof NixsealError && error.code !== "bug") return refusalResult(error);
      throw error;
    }
  }

  /** When no message is under way. What was imported stands in the ledger, on the disk, when this is done. Gives what there is to say. */
  async end(): Promise<readonly string[]> {
    await this.#store.end();
    const ledger = await this.#recorder.end();
    return [...this.#notices, ...ledger.map((notice) => `ledger: ${notice}`)];
  }

  #handle(message: StoreMessage, enclosed: AsyncIterable<Uint8Array> | null): Promise<string> {
    switch (message.kind) {
      case "import":
        return this.#turns.take(message.path, () => this.#import(message, enclosed));
      case "upload": {
        const info = uploadedInfo(message, this.#config.storeDirectory);
        return this.#turns.take(info.path, () => this.#upload(message, info));
      }
      case "witness":
        return this.#turns.take(message.path, () => this.#see(message));
    }
  }

  async #import(
    { path, bytes, uploader: sender }: ImportMessage,
    enclosed: AsyncIterable<Uint8Array> | null,
  ): Promise<Imported> {
    this.#require("warrants");
    const { path: wanted, envelope, signers } = (await this.#current()).forPath(path);
    if (bytes !== null && bytes !== wanted.narSize)
      throw new GateRefusal("size", `${bytes} bytes came, but the archive of ${path} has ${wanted.narSize}`);
    const { warrant, digest } = envelope;
    const deriver = path === warrant.toplevel ? warrant.drvPath : null;
    const uploader = sender === null ? null : { ...sender, serial: null };
    const origin: Origin = { kind: "warrant", digest, signers, uploader };
    const begin = (event: "added" | "repaired") =>
      this.#recorder.begin({ ...wanted, deriver, event, origin });
    const { outcome, info } = await this.#store.use(async (client) => {
      const into = { ...this.#into(client), enclosed, begin };
      const done = await importPath(into, { ...wanted, deriver, signatures: [] }, { repair: true });
      this.#roots.keep(envelope, path);
      return done;
    });
    if (outcome !== "present") {
      await this.#recorder.add({ ...wanted, deriver, event: outcome, origin });
      this.#witness.recorded(path);
    } else if (this.#witness.isFirst(info)) {
      // The receiver gave it to Nix a moment ago, which took it for the signature of a cache: that is held against the keys once more.
      const signature = signedBy(info, this.#config.upstream);
      if (signature !== undefined)
        await this.#recorder.add({
          ...wanted,
          deriver,
          event: "added",
          origin: { kind: "upstream", signature, uploader },
        });
    }
    return outcome;
  }

  /**
   * Stage 0. That the certificate's owner sent this is the word of the deploy user's side alone: whoever takes that over brings in what
   * they like while any member's certificate for uploads is valid.
   */
  async #upload({ certificate }: UploadMessage, info: ReturnType<typeof uploadedInfo>): Promise<Imported> {
    this.#require("certificates");
    const given = (await this.#current()).forUpload(certificate, info.narSize);
    if (!given.accepted) throw new GateRefusal(given.code, given.reason);
    const uploader = {
      member: given.principal,
      key: certificate.key.fingerprint,
      serial: certificate.serial,
    };
    const origin: Origin = { kind: "certificate", uploader };
    const begin = (event: "added" | "repaired") => this.#recorder.begin({ ...info, event, origin });
    const { outcome } = await this.#store.use((client) =>
      importPath({ ...this.#into(client), enclosed: null, begin }, info, { repair: false }),
    );
    if (outcome !== "present") await this.#recorder.add({ ...info, event: outcome, origin });
    return outcome;
  }

  /** In both modes: a path that Nix took by its own rules. */
  async #see(message: WitnessMessage): Promise<"recorded" | "present"> {
    const seen = await this.#witness.see(message, (question) => this.#store.use(question));
    if (seen === null) return "present";
    await this.#recorder.add(seen);
    return "recorded";
  }

  /**
   * As things stand at this message: since the one before an offer, a revocation or a newer order may have come, and who keeps a connection
   * open must not go on by what was. Warrants are large: they are read again only when something was written, or some time has passed, and once.
   */
  #current(): Promise<Authority> {
    const look = this.#looking.then(() => this.#look());
    this.#looking = look.catch(() => undefined); // told to whoever asked
    return look;
  }

  async #look(): Promise<Authority> {
    const { files, clock } = this.#ports;
    const now = clock.now().getTime();
    const stamp = await stampOf(files, this.#paths);
    if (this.#authority !== null && stamp === this.#stamp && Math.abs(now - this.#since) < mostAge)
      return this.#authority;
    const authority = await Authority.read(this.#ports, this.#paths, this.#config);
    if (this.#config.mode === "warrants")
      await this.#roots.sweep(authority.warranted.envelopes.map(({ digest }) => digest));
    [this.#authority, this.#stamp, this.#since] = [authority, stamp, now];
    return authority;
  }

  #into(client: WorkerClient): Omit<ImportInto, "enclosed" | "begin"> {
    const { files, processes } = this.#ports;
    const { quarantine, copies } = this.#paths;
    return { files, processes, client, quarantine, copies };
  }

  async #link(): Promise<void> {
    try {
      await this.#roots.link();
    } catch (error) {
      if (!(error instanceof NixsealError) || error.code === "bug") throw error;
      this.#notices.push(`what came may be collected before it is activated: ${error.message}`);
    }
  }

  #require(mode: GateConfig["mode"]): void {
    if (this.#config.mode === mode) return;
    throw new GateRefusal("mode", `this gate works with ${this.#config.mode}`);
  }
}
