import { concat } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import { NarParser } from "../nar/parser.ts";
import type { PathInfo } from "../path-info.ts";
import type { Signature } from "../signing-key.ts";
import { byPath, defaultStoreDirectory, type StorePath } from "../store-path.ts";
import { Channel } from "./channel.ts";
import { sendFrames } from "./frames.ts";
import { OneAtATime } from "./one-at-a-time.ts";
import { readInfoOf, readStorePaths, writeSignatures, type PathRules } from "./path-info-wire.ts";
import type { ClientOptions } from "./serve-client.ts";
import type { AddWishes } from "./store.ts";
import { WireMessage } from "./wire-message.ts";
import { greetServer } from "./worker-handshake.ts";
import { readWork } from "./worker-log.ts";
import { deleteSpecific, workerOperations } from "./worker-protocol.ts";
import { addMany, addOne, askInfo, askTempRoot, askValid, bodyOf, type Upload } from "./worker-requests.ts";

const nothing: Uint8Array = new Uint8Array(0);
const nothingMore = () => Promise.resolve();

/**
 * A client of `nix-daemon --stdio` or of the daemon's socket. Requests wait for one another.
 * What the server refuses is error `refused` with its words; the connection can be used on.
 */
export class WorkerClient {
  readonly #channel: Channel;
  readonly #rules: PathRules;
  readonly #log: (line: string) => void;
  readonly #turn = new OneAtATime();
  /** Errors of the server's own, which came in step. */
  readonly #said = new WeakSet<Error>();
  /** What the next question for valid paths is to ask, while it waits for its turn. */
  #next: { readonly paths: Set<StorePath>; readonly answer: Promise<ReadonlySet<StorePath>> } | null = null;

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
      await this.#channel.send(askValid(paths));
      return this.#answer(() => this.#readValid(paths));
    });
  }

  /** Whether the server has the path. Those that are asked for while others have their turn are one question. */
  async isValid(path: StorePath): Promise<boolean> {
    const { paths, answer } = (this.#next ??= this.#askNext());
    paths.add(path);
    return (await answer).has(path);
  }

  #askNext() {
    const paths = new Set<StorePath>();
    const answer = this.#request(async () => {
      this.#next = null;
      await this.#channel.send(askValid([...paths]));
      return new Set(await this.#answer(() => this.#readValid([...paths])));
    });
    return { paths, answer };
  }

  /** What the server says of the path, null when it does not have it. */
  queryPathInfo(path: StorePath): Promise<PathInfo | null> {
    return this.#request(async () => {
      await this.#channel.send(askInfo(path));
      return this.#answer(() => this.#readInfo(path));
    });
  }

  /** Asks that the path is not collected while we are connected. */
  addTempRoot(path: StorePath): Promise<void> {
    return this.#request(async () => {
      await this.#channel.send(askTempRoot(path));
      await this.#heldAnswer();
    });
  }

  /** The same, and whether the server has the path: so from the answer on it stays. Both are one message, which wakes the server once. */
  hold(path: StorePath): Promise<boolean> {
    return this.#request(async () => {
      await this.#channel.sendBytes(concat(askTempRoot(path).bytes, askValid([path]).bytes));
      const valid = await this.#after(this.#heldAnswer(), () => this.#answer(() => this.#readValid([path])));
      return valid.length > 0;
    });
  }

  addSignatures(path: StorePath, signatures: readonly Signature[]): Promise<void> {
    return this.#request(async () => {
      const message = new WireMessage().integer(workerOperations.addSignatures).string(path);
      await this.#channel.send(writeSignatures(message, signatures));
      await this.#answer(() => this.#channel.reader.integer("the answer"));
    });
  }

  /**
   * Passes a path's archive on to `take`, piece by piece. To be asked for valid paths only: for another, Nix says
   * its error where the archive should be (error `malformed`), and the connection is of no more use.
   */
  narFromPath(path: StorePath, take: (bytes: Uint8Array) => Promise<void>): Promise<void> {
    return this.#request(async () => {
      await this.#channel.send(new WireMessage().integer(workerOperations.narFromPath).string(path));
      await this.#answer(async () => {
        const parser = new NarParser();
        while (!parser.done) {
          const bytes = await this.#channel.reader.some(Number.MAX_SAFE_INTEGER);
          if (bytes === null) parser.end();
          else {
            const events = parser.push(bytes);
            for (let event = events.next(); event.done !== true;) event = events.next();
            if (parser.rest.length > 0)
              throw new NixsealError("malformed", "bytes follow the end of the NAR");
            await take(bytes);
          }
        }
      });
    });
  }

  /** Sends one path. A piece of the archive is not held on to when the next one is asked for. A server that does not trust us ignores both wishes. */
  addToStoreNar({ info, nar }: Upload, wishes: Partial<AddWishes> = {}): Promise<void> {
    return this.#request(() => this.#sendFramed(addOne(info, wishes).bytes, nar));
  }

  /**
   * The same, with the path held as by `addTempRoot` before, and what the server says of it afterwards. Three requests, and for a small
   * path one write, which wakes the server once.
   */
  addHeld({ info, nar }: Upload, wishes: Partial<AddWishes> = {}): Promise<PathInfo | null> {
    const { path } = info;
    const requests = concat(askTempRoot(path).bytes, addOne(info, wishes).bytes);
    const done = () => this.#after(this.#heldAnswer(), () => this.#answer(nothingMore));
    return this.#request(() =>
      this.#after(this.#sendFramed(requests, nar, done, askInfo(path).bytes), () =>
        this.#answer(() => this.#readInfo(path)),
      ),
    );
  }

  /** Sends many paths in one request, each after those that it refers to. */
  addMultipleToStore(uploads: readonly Upload[], repair = false): Promise<void> {
    return this.#request(() => this.#sendFramed(addMany(repair).bytes, bodyOf(uploads)));
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
      await this.#channel.send(message.integer(0).integer(0).integer(0));
      await this.#answer(async () => {
        const { reader } = this.#channel;
        await readStorePaths(reader, this.#rules);
        for (const what of ["the bytes that were freed", "an old field"]) await reader.integer(what);
      });
    });
  }

  async #readValid(asked: readonly StorePath[]): Promise<StorePath[]> {
    const valid = await readStorePaths(this.#channel.reader, this.#rules);
    const known = new Set(asked);
    const unasked = valid.find((path) => !known.has(path));
    if (unasked !== undefined)
      throw new NixsealError("malformed", `the server answered for ${unasked}, which was not asked for`);
    return valid;
  }

  #heldAnswer(): Promise<number> {
    return this.#answer(() => this.#channel.reader.integer("the answer"));
  }

  async #readInfo(path: StorePath): Promise<PathInfo | null> {
    const { reader } = this.#channel;
    return (await reader.boolean("whether the path is valid")) ? readInfoOf(path, reader, this.#rules) : null;
  }

  /** Reads the answer to one request: what the server says of its work, then `read`. */
  async #answer<T>(read: () => Promise<T>): Promise<T> {
    const error = await readWork(this.#channel.reader, this.#log);
    if (error === null) return read();
    this.#said.add(error);
    throw error;
  }

  /** The answer that follows another one, which is read too when the first is a refusal: so we are in step. */
  async #after<T>(first: Promise<unknown>, second: () => Promise<T>): Promise<T> {
    let refusal: Error | null = null;
    try {
      await first;
    } catch (error) {
      if (!(error instanceof Error && this.#said.has(error))) throw error;
      refusal = error;
    }
    const answer = await second();
    if (refusal !== null) throw refusal;
    return answer;
  }

  /** The server may refuse in the middle: it is listened to while the frames are sent. The answer to `next`, a request that follows, is left to be read. */
  async #sendFramed(
    request: Uint8Array,
    body: AsyncIterable<Uint8Array>,
    readAnswer: () => Promise<void> = () => this.#answer(nothingMore),
    next: Uint8Array = nothing,
  ): Promise<void> {
    let answered = false;
    const answer = readAnswer().finally(() => (answered = true));
    answer.catch(() => undefined); // awaited below, when the body is ended
    const send = (bytes: Uint8Array) => this.#channel.sendBytes(bytes);
    await sendFrames(send, { before: request, body, after: next }, () => answered);
    await answer;
  }

  #request<T>(work: () => Promise<T>): Promise<T> {
    return this.#turn.take(work, (error) => error instanceof Error && this.#said.has(error));
  }
}
