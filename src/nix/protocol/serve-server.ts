import { NixsealError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports.ts";
import { Channel } from "./channel.ts";
import type { ProtocolLimits } from "./limits.ts";
import { NarBody } from "./nar-body.ts";
import { readPathInfo, readStorePaths, writeServeInfo } from "./path-info-wire.ts";
import type { BytePort } from "./port.ts";
import {
  miscFailure,
  serveClientMagic,
  serveCommands,
  serveNewest,
  serveOldest,
  serveServerMagic,
  versionText,
} from "./serve-protocol.ts";
import type { Answer, Store } from "./store.ts";
import { WireMessage } from "./wire-message.ts";

export interface ServeServerOptions {
  readonly port: BytePort;
  readonly clock: Pick<Clock, "sleep">;
  readonly store: Store;
  /** A line for the person at the client: this protocol has no words for "why not", stderr has. */
  readonly diagnose: (line: string) => void;
  readonly limits?: Partial<ProtocolLimits>;
}

/**
 * Speaks `nix-store --serve --write` (versions 2.7 and 2.8) as far as uploads need it, until the client ends.
 * A path that is refused is answered with 0, "not added", and the reason goes to `diagnose`. All that cannot be
 * answered so ends the session: throws `malformed`, `limit`, `timeout`, or `refused` for another command.
 */
export async function serveStore(options: ServeServerOptions): Promise<void> {
  await new ServeSession(options).run();
}

/** Errors after which the client may go on: the stream is still in step. */
const answerable: readonly string[] = ["refused", "conflict", "io", "tool", "limit", "stale", "not-found"];

class ServeSession {
  readonly #channel: Channel;
  readonly #store: Store;
  readonly #diagnose: (line: string) => void;

  constructor({ port, clock, store, diagnose, limits }: ServeServerOptions) {
    this.#channel = new Channel(port, clock, limits);
    this.#store = store;
    this.#diagnose = diagnose;
  }

  async run(): Promise<void> {
    await this.#handshake();
    while (!(await this.#channel.reader.atEnd())) await this.#command();
  }

  async #handshake(): Promise<void> {
    const { reader } = this.#channel;
    if ((await reader.integer("the client's magic")) !== serveClientMagic)
      throw new NixsealError("malformed", "this is not a client of nix-store --serve");
    await this.#channel.send(new WireMessage().integer(serveServerMagic).integer(serveNewest));
    const version = await reader.integer("the client's version");
    if (version >> 8 !== serveNewest >> 8 || version < serveOldest)
      throw new NixsealError("refused", `the client speaks serve protocol ${versionText(version)}`, {
        hint: `versions ${versionText(serveOldest)} and later are spoken: use Nix 2.8 or newer`,
      });
  }

  async #command(): Promise<void> {
    const command = await this.#channel.reader.integer("a command");
    switch (command) {
      case serveCommands.queryValidPaths:
        return this.#queryValidPaths();
      case serveCommands.queryPathInfos:
        return this.#queryPathInfos();
      case serveCommands.addToStoreNar:
        return this.#addToStoreNar();
      default:
        return this.#refuse(command);
    }
  }

  async #queryValidPaths(): Promise<void> {
    const { reader } = this.#channel;
    const lock = await reader.boolean("'lock'");
    await reader.boolean("'substitute'"); // this side fetches nothing on a client's wish
    const paths = await readStorePaths(reader, this.#rules);
    this.#channel.expectNothingMore();
    if (lock) await this.#store.addTempRoots(paths);
    const valid = await this.#store.queryValidPaths(paths);
    await this.#channel.send(new WireMessage().strings([...valid].sort()));
  }

  async #queryPathInfos(): Promise<void> {
    const paths = await readStorePaths(this.#channel.reader, this.#rules);
    this.#channel.expectNothingMore();
    for (const path of paths) {
      const info = await this.#store.queryPathInfo(path);
      if (info !== null) await this.#channel.send(writeServeInfo(new WireMessage(), info));
    }
    await this.#channel.send(new WireMessage().string(""));
  }

  async #addToStoreNar(): Promise<void> {
    const { reader, limits } = this.#channel;
    const info = { ...(await readPathInfo(reader, this.#rules)), ultimate: false };
    const body = new NarBody(reader, info);
    const answer = await this.#add(() =>
      this.#store.addPath(info, body, { repair: false, checkSignatures: true }),
    );
    if (answer.accepted && !body.ended)
      throw new NixsealError("bug", `${info.path} was accepted before its NAR was read`);
    if (!answer.accepted) {
      this.#diagnose(`${info.path}: ${answer.reason}`);
      await body.skip(limits.drain);
    }
    this.#channel.expectNothingMore();
    await this.#channel.send(new WireMessage().boolean(answer.accepted));
  }

  /** A hash that is wrong, a full disk: refusals too, with the stream still in step. */
  async #add(add: () => Promise<Answer>): Promise<Answer> {
    try {
      return await add();
    } catch (error) {
      if (!(error instanceof NixsealError) || !answerable.includes(error.code)) throw error;
      return {
        accepted: false,
        reason: error.hint === undefined ? error.message : `${error.message}; ${error.hint}`,
      };
    }
  }

  /** In the words that the protocol has for the command, where it has any. */
  async #refuse(command: number): Promise<void> {
    const name = Object.entries(serveCommands).find(([, value]) => value === command)?.[0] ?? `${command}`;
    const reason = `this host takes uploads only: command ${name} is refused`;
    if (command === serveCommands.buildPaths || command === serveCommands.buildDerivation) {
      const message = new WireMessage().integer(miscFailure).string(reason);
      // Times built, not deterministic, start, stop, and no outputs (2.6).
      if (command === serveCommands.buildDerivation) for (let n = 0; n < 5; n++) message.integer(0);
      await this.#channel.send(message);
    } else if (command === serveCommands.importPaths) await this.#channel.send(new WireMessage().integer(0));
    throw new NixsealError("refused", reason, {
      hint: "use nix copy --to or nix-copy-closure --to",
    });
  }

  get #rules() {
    return { directory: this.#store.directory, limits: this.#channel.limits };
  }
}
