/** The store that stock clients talk to. It holds what they send against the four rules, and says which paths it wants. */
import { NixsealError } from "../../core/errors.ts";
import type { PathInfo } from "../../nix/path-info.ts";
import type { Answer, IncomingNar, Store } from "../../nix/protocol/store.ts";
import type { WorkerClient } from "../../nix/protocol/worker-client.ts";
import type { PublicKey } from "../../nix/signing-key.ts";
import { digestOf, type StorePath } from "../../nix/store-path.ts";
import { claimOf } from "../../trust/warrant/closure.ts";
import type { Quarantine } from "../quarantine/quarantine.ts";
import { largestEnclosed } from "../message-limits.ts";
import { signedBy } from "../proof.ts";
import type { StoreAccess } from "../store-access.ts";
import type { ImportMessage } from "../store-message.ts";
import type { WarrantedPaths } from "../warranted.ts";
import type { ImportQueue } from "./import-queue.ts";
import type { GateLog } from "./log.ts";
import { ruleFor } from "./rule.ts";
import { uploadMessage } from "./upload-message.ts";
import type { Uploader } from "./uploader.ts";

export interface GateStoreParts {
  readonly directory: string;
  /** As an ordinary client of Nix's daemon. */
  readonly openStore: () => Promise<StoreAccess>;
  /** Null for stage 0, where nobody signs closures. */
  readonly warranted: WarrantedPaths | null;
  readonly upstream: readonly PublicKey[];
  readonly quarantine: Quarantine;
  readonly queue: ImportQueue;
  /** Throws `refused` with the reason when nobody who may upload has logged in. */
  readonly uploader: () => Promise<Uploader>;
  readonly log: GateLog;
  /** Told of what is in the store, and why the ledger does not say where it is from. */
  readonly unrecorded: (path: StorePath, why: NixsealError) => void;
  /** Who has logged in, where that is known: for the ledger. */
  readonly sender: ImportMessage["uploader"];
}

export class GateStore implements Store {
  readonly directory: string;
  readonly #parts: GateStoreParts;
  #access: StoreAccess | null = null;
  #uploader: Uploader | NixsealError | null = null;
  /** What the client was told last that it is to send, and has not sent yet. */
  #awaited = new Set<StorePath>();
  /** Those of them that were not in the store. Another connection may bring one meanwhile, which the root side then finds. */
  #missing = new Set<StorePath>();
  /** What came in while this connection lasts: Nix's daemon may still remember how it was before. */
  readonly #came = new Map<StorePath, PathInfo>();

  constructor(parts: GateStoreParts) {
    this.directory = parts.directory;
    this.#parts = parts;
  }

  /** To be told of every path that was imported. */
  came(info: PathInfo): void {
    this.#came.set(info.path, info);
  }

  /** Those that are in the store and are what a warrant says, where one names them: the others are to be sent (again). */
  async queryValidPaths(paths: readonly StorePath[]): Promise<readonly StorePath[]> {
    await this.#parts.queue.settle();
    const { right, missing } = await this.#inStore(paths);
    const there = [...right, ...(await this.#held(missing))];
    this.#awaited = new Set(paths);
    this.#missing = new Set(missing);
    for (const path of there) this.#awaited.delete(path);
    return there;
  }

  async queryPathInfo(path: StorePath): Promise<PathInfo | null> {
    await this.#parts.queue.settle();
    const [valid] = await this.#ask((client) => client.queryValidPaths([path]));
    return valid === undefined ? null : this.#rightInfo(path);
  }

  /** What the client wishes beside is for a store that trusts it. */
  async addPath(info: PathInfo, nar: IncomingNar): Promise<Answer> {
    const { warranted, upstream, log, queue, sender, unrecorded } = this.#parts;
    queue.check();
    const rule = ruleFor(info, warranted, upstream);
    try {
      switch (rule.rule) {
        case "differs":
          throw new NixsealError("refused", rule.reason, {
            hint: "send what the warrant was made from, or have a new warrant made",
          });
        case "warranted":
          await this.#addWarranted(info, nar);
          break;
        case "upstream":
        case "content-addressed":
          await this.#passOn(info, nar);
          await queue.witness(info, sender, unrecorded);
          break;
        case "other":
          await this.#addOther(info, nar);
      }
    } catch (error) {
      if (error instanceof NixsealError)
        log({ event: "refused", path: info.path, rule: rule.rule, reason: error.message });
      throw error;
    }
    log({ event: "received", path: info.path, rule: rule.rule });
    this.#awaited.delete(info.path);
    // The client hears of the last path when all are in the store. Who sends what nobody asked for waits each time.
    if (this.#awaited.size === 0) await queue.settle();
    return { accepted: true };
  }

  /** A signature counts when it comes with its path. Later nobody would hold it against anything. */
  addSignatures(): Promise<Answer> {
    return Promise.resolve({ accepted: false, reason: "signatures are taken with their path only" });
  }

  /** Not of what is to be replaced: Nix does not take away what has a root. */
  async addTempRoots(paths: readonly StorePath[]): Promise<void> {
    for (const path of (await this.#inStore(paths)).right)
      await this.#ask((client) => client.addTempRoot(path));
  }

  readNar(): Promise<AsyncIterable<Uint8Array> | null> {
    throw new NixsealError("refused", "this host takes uploads only and sends nothing back");
  }

  close(): void {
    this.#access?.close();
    this.#access = null;
  }

  async #addWarranted(info: PathInfo, nar: IncomingNar): Promise<void> {
    const { quarantine, queue, upstream } = this.#parts;
    const { path } = info;
    const known = this.#missing.delete(path);
    const { right, missing } = known ? { right: [], missing: [path] } : await this.#inStore([path]);
    if (right.length > 0) return readAway(nar);
    const order: ImportMessage = { kind: "import", bytes: null, path, uploader: this.#parts.sender };
    if (missing.length > 0 && signedBy(info, upstream) !== undefined) {
      // Nix takes it without anybody's help and keeps the signature; the root side keeps it from being collected.
      await this.#passOn(info, nar);
      return queue.add({ info, file: null }, order);
    }
    if (info.narSize <= largestEnclosed) return this.#enclose(info, nar, order);
    await queue.add(await quarantine.receive(info, nar, null), order);
  }

  /**
   * It becomes no file, and is not hashed here: Nix hashes what it writes, and nothing is valid that has not the hash of the warrant.
   * Whole in memory before the root side hears of it, which never waits for the network.
   */
  async #enclose(info: PathInfo, nar: IncomingNar, order: ImportMessage): Promise<void> {
    const { quarantine, queue } = this.#parts;
    await quarantine.checkSpace(info.narSize);
    const archive = queue.memory.take(info.narSize);
    await nar.readInto(archive);
    await queue.add({ info, file: null }, { ...order, bytes: info.narSize }, archive);
  }

  async #passOn(sent: PathInfo, nar: AsyncIterable<Uint8Array>): Promise<void> {
    const { queue } = this.#parts;
    // Nix would take the sender's word for both, and the root side could not tell the path from an old one.
    const info = { ...sent, registrationTime: null, ultimate: false };
    // Nix takes a path only after those that it refers to.
    if (info.references.some((reference) => queue.has(reference))) await queue.settle();
    await this.#ask((client) => client.addToStoreNar({ info, nar }));
    this.came(info);
  }

  /** Kept for a warrant to come; where there are none (stage 0), into the store in the name of the member. */
  async #addOther(info: PathInfo, nar: AsyncIterable<Uint8Array>): Promise<void> {
    const { quarantine, queue, warranted, log } = this.#parts;
    const uploader = await this.#whoUploads();
    const { member, most } = uploader;
    if (most !== null && (await quarantine.held(member)).bytes + info.narSize > most)
      throw new NixsealError("limit", `the certificate of ${member} allows ${most} bytes at once`);
    const arrived = await quarantine.receive(info, nar, member);
    if (warranted === null) return queue.add(arrived, uploadMessage(info, uploader));
    await quarantine.keep(arrived, member);
    log({ event: "quarantined", path: info.path, member });
  }

  async #whoUploads(): Promise<Uploader> {
    const found = await this.#findUploader();
    if (!(found instanceof NixsealError)) return found;
    const none = this.#parts.warranted === null ? "" : "no warrant names it, ";
    throw new NixsealError("refused", `${none}no cache's signature covers it, and ${found.message}`, {
      hint: found.hint,
      where: found.where,
    });
  }

  async #findUploader(): Promise<Uploader | NixsealError> {
    if (this.#uploader !== null) return this.#uploader;
    try {
      this.#uploader = await this.#parts.uploader();
    } catch (error) {
      if (!(error instanceof NixsealError) || error.code !== "refused") throw error;
      this.#uploader = error;
    }
    return this.#uploader;
  }

  /** What waits in the quarantine because this member has sent it before, and no warrant asks for it yet. */
  async #held(paths: readonly StorePath[]): Promise<readonly StorePath[]> {
    const { quarantine, warranted } = this.#parts;
    const claims = await quarantine.claims();
    if (claims.length === 0) return [];
    const found = await this.#findUploader();
    if (found instanceof NixsealError) return [];
    const own = claims.filter(({ member }) => member === found.member);
    const digests = new Set(own.map(({ digest }) => digest));
    return paths.filter((path) => digests.has(digestOf(path)) && (warranted?.get(path) ?? null) === null);
  }

  /** Those that are valid and right, and those that are not valid; what is valid and wrong is among neither. */
  async #inStore(
    paths: readonly StorePath[],
  ): Promise<{ readonly right: readonly StorePath[]; readonly missing: readonly StorePath[] }> {
    const valid = new Set(await this.#ask((client) => client.queryValidPaths(paths)));
    const right: StorePath[] = [];
    for (const path of valid) if ((await this.#rightInfo(path)) !== null) right.push(path);
    return { right, missing: paths.filter((path) => !valid.has(path)) };
  }

  /** Of a valid path; null when a warrant names it with something else. */
  async #rightInfo(path: StorePath): Promise<PathInfo | null> {
    const named = this.#parts.warranted?.get(path) ?? null;
    const info = this.#came.get(path) ?? (await this.#ask((client) => client.queryPathInfo(path)));
    return info === null || named === null || claimOf(info) === claimOf(named.path) ? info : null;
  }

  async #ask<T>(question: (client: WorkerClient) => Promise<T>): Promise<T> {
    this.#access ??= await this.#parts.openStore();
    try {
      return await question(this.#access.client);
    } catch (error) {
      // After anything but a refusal in Nix's own words the connection may be out of step.
      if (!(error instanceof NixsealError) || error.code !== "refused") this.close();
      throw error;
    }
  }
}

async function readAway(nar: AsyncIterable<Uint8Array>): Promise<void> {
  const pieces = nar[Symbol.asyncIterator]();
  while ((await pieces.next()).done !== true);
}
