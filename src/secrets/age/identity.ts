import type { Random } from "../../core/ports.ts";
import type { Recipient } from "./recipient.ts";
import type { Stanza } from "./stanza.ts";

/** Who can decrypt. Compatible with typage's interface of this name. */
export interface Identity {
  /**
   * Gives the file key from a stanza of this identity, null when none is (another identity is tried then), and
   * throws `malformed` when one is of this identity's type but breaks its format: the whole file is refused.
   */
  unwrapFileKey(stanzas: Stanza[]): Uint8Array | null | Promise<Uint8Array | null>;
}

/** An identity that is a key, or a file of keys, with public halves. */
export interface KeyIdentity extends Identity {
  /** Whom to encrypt to, so that this identity can decrypt. */
  recipients(random: Random): Recipient[] | Promise<Recipient[]>;
}
