import { createWriteStream } from "node:fs";
import * as fs from "node:fs";
import { join } from "node:path";
import { once } from "node:events";
import type { PathInfo } from "../../src/nix/path-info.ts";
import { readPathInfo, writePathInfo } from "../../src/nix/protocol/path-info-wire.ts";
import { defaultProtocolLimits } from "../../src/nix/protocol/limits.ts";
import type { AddWishes, Answer, Store } from "../../src/nix/protocol/store.ts";
import { WireMessage } from "../../src/nix/protocol/wire-message.ts";
import { WireReader } from "../../src/nix/protocol/wire-reader.ts";
import type { Signature } from "../../src/nix/signing-key.ts";
import { baseNameOf, type StorePath } from "../../src/nix/store-path.ts";

/** A store in memory that takes everything but the paths whose name has "refused" in it, before or after reading. */
export class MemoryStore implements Store {
  readonly directory: string;
  readonly paths = new Map<string, { info: PathInfo; nar: Uint8Array; wishes: AddWishes }>();
  readonly roots: string[] = [];
  readonly signatures: [StorePath, readonly Signature[]][] = [];
  /** The largest piece of a NAR that was given to it. */
  largest = 0;

  constructor(directory = "/nix/store") {
    this.directory = directory;
  }

  queryValidPaths(paths: readonly StorePath[]): Promise<readonly StorePath[]> {
    return Promise.resolve(paths.filter((path) => this.paths.has(path)));
  }

  queryPathInfo(path: StorePath): Promise<PathInfo | null> {
    return Promise.resolve(this.paths.get(path)?.info ?? null);
  }

  async addPath(info: PathInfo, nar: AsyncIterable<Uint8Array>, wishes: AddWishes): Promise<Answer> {
    if (info.path.includes("refused-unread")) return { accepted: false, reason: "no warrant names it" };
    const parts: Uint8Array[] = [];
    for await (const bytes of nar) {
      this.largest = Math.max(this.largest, bytes.length);
      parts.push(bytes);
    }
    if (info.path.includes("refused-read")) return { accepted: false, reason: "no warrant names it" };
    this.paths.set(info.path, { info, nar: Buffer.concat(parts), wishes });
    return { accepted: true };
  }

  addSignatures(path: StorePath, signatures: readonly Signature[]): Promise<Answer> {
    if (!this.paths.has(path)) return Promise.resolve({ accepted: false, reason: "it is not valid" });
    this.signatures.push([path, signatures]);
    return Promise.resolve({ accepted: true });
  }

  addTempRoots(paths: readonly StorePath[]): Promise<void> {
    this.roots.push(...paths);
    return Promise.resolve();
  }

  readNar(path: StorePath): Promise<AsyncIterable<Uint8Array> | null> {
    const nar = this.paths.get(path)?.nar;
    return Promise.resolve(nar === undefined ? null : pieces(nar));
  }
}

async function* pieces(bytes: Uint8Array) {
  for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
}

/** The same in a directory, one file for the NAR and one for what was said of it: for servers in processes. */
export class DirectoryStore implements Store {
  readonly directory: string;
  readonly #at: string;

  constructor(at: string, directory: string) {
    this.#at = at;
    this.directory = directory;
    fs.mkdirSync(at, { recursive: true });
  }

  queryValidPaths(paths: readonly StorePath[]): Promise<readonly StorePath[]> {
    return Promise.resolve(paths.filter((path) => fs.existsSync(this.#file(path, "info"))));
  }

  async queryPathInfo(path: StorePath): Promise<PathInfo | null> {
    const file = this.#file(path, "info");
    if (!fs.existsSync(file)) return null;
    const bytes: (Uint8Array | null)[] = [fs.readFileSync(file), null];
    const reader = new WireReader({ next: () => Promise.resolve(bytes.shift() ?? null) });
    return readPathInfo(reader, { directory: this.directory, limits: defaultProtocolLimits });
  }

  async addPath(info: PathInfo, nar: AsyncIterable<Uint8Array>): Promise<Answer> {
    if (info.path.includes("refused")) return { accepted: false, reason: "no warrant names it" };
    const file = createWriteStream(this.#file(info.path, "nar"), { highWaterMark: 1 << 20 });
    for await (const bytes of nar) if (!file.write(bytes)) await once(file, "drain");
    file.end();
    await once(file, "close");
    fs.writeFileSync(this.#file(info.path, "info"), writePathInfo(new WireMessage(), info).bytes);
    return { accepted: true };
  }

  addSignatures(): Promise<Answer> {
    return Promise.resolve({ accepted: false, reason: "this store keeps what it has" });
  }

  addTempRoots(): Promise<void> {
    return Promise.resolve();
  }

  async readNar(path: StorePath): Promise<AsyncIterable<Uint8Array> | null> {
    const file = this.#file(path, "nar");
    return fs.existsSync(file) ? fs.createReadStream(file) : null;
  }

  nar(path: StorePath): Uint8Array {
    return fs.readFileSync(this.#file(path, "nar"));
  }

  #file(path: StorePath, kind: string): string {
    return join(this.#at, `${baseNameOf(path)}.${kind}`);
  }
}
