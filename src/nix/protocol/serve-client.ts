import { NixsealError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports.ts";
import type { PathInfo } from "../path-info.ts";
import { byPath, defaultStoreDirectory, type StorePath } from "../store-path.ts";
import { Channel } from "./channel.ts";
import type { ProtocolLimits } from "./limits.ts";
import { OneAtATime } from "./one-at-a-time.ts";
import { readOptionalPath, readServeInfo, readStorePaths, writePathInfo } from "./path-info-wire.ts";
import type { BytePort } from "./port.ts";
import {
  serveClientMagic,
  serveCommands,
  serveNewest,
  serveOldest,
  serveServerMagic,
  versionText,
} from "./serve-protocol.ts";
import { WireMessage } from "./wire-message.ts";

export interface ClientOptions {
  readonly port: BytePort;
  readonly clock: Pick<Clock, "sleep">;
  /** The store directory of both sides. */
  readonly directory?: string;
  readonly limits?: Partial<ProtocolLimits>;
}

/** A client of `nix-store --serve --write`. One request at a time; `conflict` for a second. */
export class ServeClient {
  readonly #channel: Channel;
  readonly #directory: string;
  readonly #turn = new OneAtATime();

  private constructor(channel: Channel, directory: string) {
    this.#channel = channel;
    this.#directory = directory;
  }

  static async open({ port, clock, directory, limits }: ClientOptions): Promise<ServeClient> {
    const channel = new Channel(port, clock, limits);
    await channel.send(new WireMessage().integer(serveClientMagic).integer(serveNewest));
    if ((await channel.reader.integer("the server's magic")) !== serveServerMagic)
      throw new NixsealError("malformed", "the other side is not nix-store --serve", {
        hint: "does the remote shell print something when it starts?",
      });
    const version = await channel.reader.integer("the server's version");
    if (version >> 8 !== serveNewest >> 8 || version < serveOldest)
      throw new NixsealError("refused", `the server speaks serve protocol ${versionText(version)}`, {
        hint: "the host needs Nix 2.8 or newer",
      });
    return new ServeClient(channel, directory ?? defaultStoreDirectory);
  }

  /** Those of the paths that the server has. */
  queryValidPaths(paths: readonly StorePath[]): Promise<StorePath[]> {
    return this.#turn.take(async () => {
      await this.#channel.send(
        new WireMessage()
          .integer(serveCommands.queryValidPaths)
          .boolean(false)
          .boolean(false)
          .strings([...paths].sort(byPath)),
      );
      const valid = await readStorePaths(this.#channel.reader, this.#rules);
      const unasked = valid.find((path) => !paths.includes(path));
      if (unasked !== undefined)
        throw new NixsealError("malformed", `the server answered for ${unasked}, which was not asked for`);
      return valid;
    });
  }

  /** What the server says of those of the paths that it has. */
  queryPathInfos(paths: readonly StorePath[]): Promise<PathInfo[]> {
    return this.#turn.take(async () => {
      await this.#channel.send(
        new WireMessage().integer(serveCommands.queryPathInfos).strings([...paths].sort(byPath)),
      );
      const asked = new Set<string>(paths);
      const infos: PathInfo[] = [];
      const { reader } = this.#channel;
      for (;;) {
        const path = await readOptionalPath(reader, this.#rules);
        if (path === null) return infos;
        if (!asked.delete(path))
          throw new NixsealError("malformed", `the server answered for ${path}, which was not asked for`);
        infos.push(await readServeInfo(path, reader, this.#rules));
      }
    });
  }

  /** Sends a path. Error `refused` when the server does not take it; why is on its stderr. */
  addToStoreNar(info: PathInfo, nar: AsyncIterable<Uint8Array>): Promise<void> {
    return this.#turn.take(async () => {
      await this.#channel.send(
        writePathInfo(new WireMessage().integer(serveCommands.addToStoreNar), { ...info, ultimate: false }),
      );
      for await (const bytes of nar) await this.#channel.sendBytes(bytes);
      if ((await this.#channel.reader.integer("the answer")) !== 1)
        throw new NixsealError("refused", `the server did not take ${info.path}`);
    });
  }

  get #rules() {
    return { directory: this.#directory, limits: this.#channel.limits };
  }
}
