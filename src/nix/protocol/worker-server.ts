import { NixsealError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports.ts";
import { Channel } from "./channel.ts";
import { FrameSource } from "./frames.ts";
import type { ProtocolLimits } from "./limits.ts";
import { NarBody } from "./nar-body.ts";
import { readPathInfo, readStorePath, type PathRules } from "./path-info-wire.ts";
import type { BytePort } from "./port.ts";
import type { AddWishes, Store } from "./store.ts";
import { WireMessage } from "./wire-message.ts";
import { WireReader } from "./wire-reader.ts";
import { greetClient } from "./worker-handshake.ts";
import { workerError, workerMessages, workerOperations } from "./worker-protocol.ts";
import { readQuestion } from "./worker-questions.ts";

export interface WorkerServerOptions {
  readonly port: BytePort;
  readonly clock: Pick<Clock, "sleep">;
  readonly store: Store;
  /** What `nix store ping` shows as the version of the other side. */
  readonly software: string;
  readonly limits?: Partial<ProtocolLimits>;
}

/** Settings that a client may send at once; Nix has about 150. */
const maxSettings = 1000;
const maxSetting = 64 << 10;

/**
 * Speaks `nix-daemon --stdio` (versions 1.34 to 1.38 and newer ones that agree on it) as far as uploads need it,
 * until the client ends. A refusal is an error of the protocol's own, and the client may go on. Operations
 * that are not known here are refused so too and end the session, since their length cannot be known: throws
 * `refused` for these, else `malformed`, `limit` or `timeout`.
 */
export async function serveWorker(options: WorkerServerOptions): Promise<void> {
  await new WorkerSession(options).run(options.software);
}

class WorkerSession {
  readonly #channel: Channel;
  readonly #store: Store;
  #version = 0;

  constructor({ port, clock, store, limits }: WorkerServerOptions) {
    this.#channel = new Channel(port, clock, limits);
    this.#store = store;
  }

  async run(software: string): Promise<void> {
    this.#version = await greetClient(this.#channel, software);
    while (!(await this.#channel.reader.atEnd())) {
      try {
        await this.#operation();
      } catch (error) {
        if (error instanceof NixsealError) await this.#sayLastWords(error);
        throw error;
      }
    }
  }

  async #operation(): Promise<void> {
    const { reader } = this.#channel;
    const operation = await reader.integer("an operation");
    switch (operation) {
      case workerOperations.setOptions:
        return this.#setOptions();
      case workerOperations.narFromPath:
        return this.#narFromPath();
      case workerOperations.addToStoreNar: {
        const info = await readPathInfo(reader, this.#rules);
        const wishes = await this.#wishes();
        return this.#framed((body) => this.#add(body, { ...info, ultimate: false }, wishes));
      }
      case workerOperations.addMultipleToStore: {
        const wishes = await this.#wishes();
        return this.#framed(async (body) => {
          const count = await body.count(this.#channel.limits.paths, "store paths");
          for (let n = 0; n < count; n++)
            await this.#add(body, { ...(await readPathInfo(body, this.#rules)), ultimate: false }, wishes);
        });
      }
      default: {
        const question = await readQuestion(operation, reader, this.#store, this.#rules);
        if (question !== null) return this.#answer(question);
        throw new NixsealError("refused", `this host takes uploads only: operation ${operation} is refused`, {
          hint: "use nix copy --to",
        });
      }
    }
  }

  /** Settings are read, since clients send them without asking, and ignored: this side has its own. */
  async #setOptions(): Promise<void> {
    const { reader } = this.#channel;
    for (let n = 0; n < 12; n++) await reader.integer("an option");
    const count = await reader.count(maxSettings, "settings");
    for (let n = 0; n < count; n++) {
      await reader.string(maxSetting, "the name of a setting");
      await reader.string(maxSetting, "a setting");
    }
    await this.#answer(() => Promise.resolve(new WireMessage()));
  }

  async #narFromPath(): Promise<void> {
    const path = await readStorePath(this.#channel.reader, this.#rules);
    const nar = await this.#attempt(async () => {
      const found = await this.#store.readNar(path);
      if (found === null) throw new NixsealError("not-found", `path '${path}' is not valid`);
      return found;
    });
    if (nar === null) return;
    await this.#channel.send(new WireMessage().integer(workerMessages.last));
    for await (const bytes of nar) await this.#channel.sendBytes(bytes);
  }

  async #wishes(): Promise<AddWishes> {
    const { reader } = this.#channel;
    const repair = await reader.boolean("'repair'");
    return { repair, checkSignatures: !(await reader.boolean("'do not check signatures'")) };
  }

  async #add(body: WireReader, info: Parameters<Store["addPath"]>[0], wishes: AddWishes): Promise<void> {
    const nar = new NarBody(body, info);
    const answer = await this.#store.addPath(info, nar, wishes);
    if (!answer.accepted) throw new NixsealError("refused", `${info.path}: ${answer.reason}`);
    if (!nar.ended) throw new NixsealError("bug", `${info.path} was accepted before its NAR was read`);
  }

  /**
   * A request whose body comes in frames. What is wrong inside of them, malformed or refused, is said at once:
   * the client stops in the middle and ends the body, and both are in step again.
   */
  async #framed(work: (body: WireReader) => Promise<void>): Promise<void> {
    const frames = new FrameSource(this.#channel.reader);
    const body = new WireReader(frames);
    try {
      await work(body);
      if (!(await body.atEnd()))
        throw new NixsealError("malformed", "bytes follow the last path of an upload");
    } catch (error) {
      if (!isAnswerable(error)) throw error;
      await this.#channel.send(this.#error(error));
      await frames.drain(this.#channel.limits.drain);
      return;
    }
    await this.#answer(() => Promise.resolve(new WireMessage()));
  }

  /** `last` and the result, or an error. Nothing is sent before the result is there whole. */
  async #answer(work: () => Promise<WireMessage>): Promise<void> {
    const result = await this.#attempt(work);
    if (result === null) return;
    await this.#channel.send(new WireMessage().integer(workerMessages.last).raw(result.bytes));
  }

  /** The result, or null when an error was sent in its place. */
  async #attempt<T>(work: () => Promise<T>): Promise<T | null> {
    this.#channel.expectNothingMore();
    try {
      return await work();
    } catch (error) {
      if (!isAnswerable(error)) throw error;
      await this.#channel.send(this.#error(error));
      return null;
    }
  }

  #error(error: NixsealError): WireMessage {
    return workerError(
      this.#version,
      error.hint === undefined ? error.message : `${error.message}; ${error.hint}`,
    );
  }

  /** The session ends with `error` in any case; a client that has gone need not hear it. */
  async #sayLastWords(error: NixsealError): Promise<void> {
    try {
      await this.#channel.send(this.#error(error));
    } catch (second) {
      if (!(second instanceof NixsealError)) throw second;
    }
  }

  get #rules(): PathRules {
    return { directory: this.#store.directory, limits: this.#channel.limits };
  }
}

/** Ours (`bug`) and the connection's own errors end the session. */
function isAnswerable(error: unknown): error is NixsealError {
  return error instanceof NixsealError && error.code !== "bug" && error.code !== "timeout";
}
