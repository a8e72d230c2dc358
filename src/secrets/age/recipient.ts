import type { Stanza } from "./stanza.ts";

/**
 * Whom a file is encrypted to. The interface is that of typage (the age library for JavaScript by age's author),
 * so that its recipients and ours can take each other's place.
 */
export interface Recipient {
  /** Wraps the 16-byte file key; usually into one stanza, with a fresh ephemeral share at each call. */
  wrapFileKey(fileKey: Uint8Array): Stanza[] | Promise<Stanza[]>;
  /**
   * All recipients of a file must have the same set of labels; `postquantum` keeps a classical stanza, which a
   * quantum computer could open, out of a post-quantum file. Read after `wrapFileKey`: a plugin says them only then.
   */
  readonly labels?: readonly string[] | undefined;
}

/** The label of post-quantum recipients, from the age plugin specification. */
export const postQuantum: readonly string[] = ["postquantum"];
