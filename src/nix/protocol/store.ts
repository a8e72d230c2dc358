import type { PathInfo } from "../path-info.ts";
import type { Signature } from "../signing-key.ts";
import type { StorePath } from "../store-path.ts";

/**
 * The store as the servers of both protocols see it. They decide nothing: they read what a client says, hold
 * it against the format and the limits, and ask here. Nothing that a `PathInfo` of a client says is proved.
 *
 * An error that is a `NixsealError` is told to the client and ends the request; any other ends the session.
 */
export interface Store {
  /** Where its paths lie. Clients of another directory are refused path by path. */
  readonly directory: string;
  /** Those of the paths that the client need not send. */
  queryValidPaths(paths: readonly StorePath[]): Promise<readonly StorePath[]>;
  /** Null when the client is to take the path as not there. */
  queryPathInfo(path: StorePath): Promise<PathInfo | null>;
  /**
   * Takes the path or says why not. `nar` may be read once. A refusal may come before it was read.
   */
  addPath(info: PathInfo, nar: IncomingNar, wishes: AddWishes): Promise<Answer>;
  addSignatures(path: StorePath, signatures: readonly Signature[]): Promise<Answer>;
  /** The client asks that these are not collected while it is connected. */
  addTempRoots(paths: readonly StorePath[]): Promise<void>;
  /** The path's archive, or null when the client may not have it. */
  readNar(path: StorePath): Promise<AsyncIterable<Uint8Array> | null>;
}

/** The archive that comes with a path. */
export interface IncomingNar extends AsyncIterable<Uint8Array> {
  /**
   * Piece by piece. Ends normally only when it was one canonical NAR of exactly the size and the SHA-256 that was named, and throws
   * before its last piece otherwise: nothing may be visible before it has ended.
   */
  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined>;
  /**
   * Into `target`, which has exactly the size that was named: one canonical NAR. It is *not* hashed, for whoever passes it on to one who
   * does before anything is valid.
   */
  readInto(target: Uint8Array): Promise<void>;
}

/** What the client asks for; a store that does not trust it ignores both. */
export interface AddWishes {
  /** Replace the path if it is there already. */
  readonly repair: boolean;
  /** False when the client asks that signatures are not checked. */
  readonly checkSignatures: boolean;
}

export type Answer = { readonly accepted: true } | { readonly accepted: false; readonly reason: string };
