import { NixsealError } from "../../core/errors.ts";
import { NarParser } from "../nar/parser.ts";
import type { PathInfo } from "../path-info.ts";
import type { Signature } from "../signing-key.ts";
import { byPath, defaultStoreDirectory, type StorePath } from "../store-path.ts";
import { Channel } from "./channel.ts";
import { frameHeader } from "./frames.ts";
import { OneAtATime } from "./one-at-a-time.ts";
import {
  readInfoOf,
  readStorePaths,
  writePathInfo,
  writeSignatures,
  type PathRules,
} from "./path-info-wire.ts";
import type { ClientOptions } from "./serve-client.ts";
import type { AddWishes } from "./store.ts";
import { WireMessage } from "./wire-message.ts";
import { greetServer } from "./worker-handshake.ts";
import { readWork } from "./worker-log.ts";
import { deleteSpecific, workerOperations } from "./worker-protocol.ts";

/** Bytes from which on copying them costs more than a second write. */
const largePiece = 64 << 10;

function isLarge({ length }: Uint8Array): boolean {
  return length >= largePiece;
}

/** A path and its archive, for sending. */
export interface Upload {
  readonly info: PathInfo;
  readonly nar: AsyncIterable<Uint8Array>;
}

/**
 * A client of `nix-daemon --stdio` or of the daemon's socket. One request at a time; `conflict` for a second.
 * What the server refuses is error `refused` with its words; the connection can be used on.
 */
export class WorkerClient {
  readonly #channel: Channel;
  readonly #rules: PathRules;
  readonly #log: (line: string) => void;
  readonly #turn = new OneAtATime();
  /** Errors of the server's own, which came in step. */
  readonly #said = new WeakSet<Error>();

  private constructor(channel: Channel, directory: string, log: (line: string) => void) {
    this.#channel = channel;
    this.#rules = { directory, limits: channel.limits };
    this.#log = log;
  }

  static async open(
    options: ClientOptions & { readonly log?: (line: string) => void },
  ): Promise<WorkerClient> {
    const channel = new Channel(options.port, options.clock, options.limits);
    await greetServer(channel);
    const log = options.log ?? (() => undefined);
    const error = await readWork(channel.reader, log);
    if (error !== null) throw error;
    return new WorkerClient(channel, options.directory ?? defaultStoreDirectory, log);
  }

  /** Those of the paths that the server has. */
  queryValidPaths(paths: readonly StorePath[]): Promise<StorePath[]> {
    return this.#request(async () => {
      await this.#ask(
        new WireMessage()
          .integer(workerOperations.queryValidPaths)
          .strings([...paths].sort(byPath))
          .boolean(false),
      );
      const valid = await readStorePaths(this.#channel.reader, this.#rules);
      const asked = new Set(paths);
      const unasked = valid.find((path) => !asked.has(path));
      if (unasked !== undefined)
        throw new NixsealError("malformed", `the server answered for ${unasked}, which was not asked for`);
      return valid;
    });
  }

  /** What the server says of the path, null when it does not have it. */
  queryPathInfo(path: StorePath): Promise<PathInfo | null> {
    return this.#request(async () => {
      await this.#ask(new WireMessage().integer(workerOperations.queryPathInfo).string(path));
      const { reader } = this.#channel;
      return (await reader.boolean("whether the path is valid"))
        ? readInfoOf(path, reader, this.#rules)
        : null;
    });
  }

  /** Asks that the path is not collected while we are connected. */
  addTempRoot(path: StorePath): Promise<void> {
    return this.#request(async () => {
      await this.#ask(new WireMessage().integer(workerOperations.addTempRoot).string(path));
      await this.#channel.reader.integer("the answer");
    });
  }

  addSignatures(path: StorePath, signatures: readonly Signature[]): Promise<void> {
    return this.#request(async () => {
      const message = new WireMessage().integer(workerOperations.addSignatures).string(path);
      await this.#ask(writeSignatures(message, signatures));
      await this.#channel.reader.integer("the answer");
    });
  }

  /**
   * Passes a path's archive on to `take`, piece by piece. To be asked for valid paths only: for another, Nix says
   * its error where the archive should be (error `malformed`), and the connection is of no more use.
   */
  narFromPath(path: StorePath, take: (bytes: Uint8Array) => Promise<void>): Promise<void> {
    return this.#request(async () => {
      await this.#ask(new WireMessage().integer(workerOperations.narFromPath).string(path));
      const { reader } = this.#channel;
      const parser = new NarParser();
      while (!parser.done) {
        const bytes = await reader.some(Number.MAX_SAFE_INTEGER);
        if (bytes === null) parser.end();
        else {
          const events = parser.push(bytes);
          for (let event = events.next(); event.done !== true;) event = events.next();
          if (parser.rest.length > 0) throw new NixsealError("malformed", "bytes follow the end of the NAR");
          await take(bytes);
        }
      }
    });
  }

  /** Sends one path. A piece of the archive is not held on to when the next one is asked for. A server that does not trust us ignores both wishes. */
  addToStoreNar(
    { info, nar }: Upload,
    { repair = false, checkSignatures = true }: Partial<AddWishes> = {},
  ): Promise<void> {
    return this.#request(() =>
      this.#sendFramed(
        writePathInfo(new WireMessage().integer(workerOperations.addToStoreNar), info)
          .boolean(repair)
          .boolean(!checkSignatures),
        nar,
      ),
    );
  }

  /** Sends many paths in one request, each after those that it refers to. */
  addMultipleToStore(uploads: readonly Upload[], repair = false): Promise<void> {
    return this.#request(() =>
      this.#sendFramed(
        new WireMessage().integer(workerOperations.addMultipleToStore).boolean(repair).boolean(false),
        bodyOf(uploads),
      ),
    );
  }

  /** As `nix-store --delete`. What is still in use is error `refused`. */
  deletePaths(paths: readonly StorePath[]): Promise<void> {
    return this.#request(async () => {
      const message = new WireMessage().integer(workerOperations.collectGarbage).integer(deleteSpecific);
      // Liveness counts; no limit; three fields that have no meaning any more.
      message
        .strings([...paths].sort(byPath))
        .boolean(false)
        .integer(Number.MAX_SAFE_INTEGER);
      await this.#ask(message.integer(0).integer(0).integer(0));
      const { reader } = this.#channel;
      await readStorePaths(reader, this.#rules);
      for (const what of ["the bytes that were freed", "an old field"]) await reader.integer(what);
    });
  }

  async #ask(message: WireMessage): Promise<void> {
    await this.#channel.send(message);
    await this.#work();
  }

  async #work(): Promise<void> {
    const error = await readWork(this.#channel.reader, this.#log);
    if (error === null) return;
    this.#said.add(error);
    throw error;
  }

  /**
   * The server may refuse in the middle: it is listened to while the frames are sent, which then stop. What is small is gathered: a
   * path of some kilobytes is one write, which wakes the server once.
   */
  async #sendFramed(request: WireMessage, body: AsyncIterable<Uint8Array>): Promise<void> {
    let gathered = request.bytes;
    if (gathered.length > largePiece) {
      await this.#channel.sendBytes(gathered);
      gathered = new Uint8Array(0);
    }
    let answered = false;
    const work = this.#work().finally(() => (answered = true));
    work.catch(() => undefined); // awaited below, when the body is ended
    for await (const bytes of body) {
      if (answered) break;
      if (bytes.length === 0) continue; // an empty frame would end the body
      // Copied before the next piece is asked for, whose memory may be the same.
      gathered = Buffer.concat([gathered, frameHeader(bytes.length), ...(isLarge(bytes) ? [] : [bytes])]);
      if (gathered.length < largePiece && !isLarge(bytes)) continue;
      await this.#channel.sendBytes(gathered);
      if (isLarge(bytes)) await this.#channel.sendBytes(bytes);
      gathered = new Uint8Array(0);
    }
    await this.#channel.sendBytes(Buffer.concat([gathered, frameHeader(0)]));
    await work;
  }

  #request<T>(work: () => Promise<T>): Promise<T> {
    return this.#turn.take(work, (error) => error instanceof Error && this.#said.has(error));
  }
}

async function* bodyOf(uploads: readonly Upload[]): AsyncGenerator<Uint8Array, void, undefined> {
  yield new WireMessage().integer(uploads.length).bytes;
  for (const { info, nar } of uploads) {
    yield writePathInfo(new WireMessage(), info).bytes;
    yield* nar;
  }
}
