/** Messages about paths of the store: one connection may carry many of them, each answered in its turn. */
import type { StorePath } from "../nix/store-path.ts";
import type { Certificate } from "../ssh/certificate.ts";

/** Who sent the bytes, for the ledger: the receiver's word, by which nothing is decided. Null where it does not know. */
export type Sender = { readonly member: string; readonly key: string } | null;

/** A path that a pending or active warrant names. */
export interface ImportMessage {
  readonly kind: "import";
  /** How many bytes follow the line: the archive, whole. Null: it lies in the quarantine. */
  readonly bytes: number | null;
  readonly path: StorePath;
  readonly uploader: Sender;
}

/** Stage 0: a path that lies in the quarantine, and the member's certificate for uploads. */
export interface UploadMessage {
  readonly kind: "upload";
  readonly certificate: Certificate;
  readonly info: string; // a narinfo
}

/**
 * A path that no warrant names and that Nix took a moment ago by its own rules, for a cache's signature or for its content. Nothing is
 * done to it: the root side looks at what Nix says of it, and writes to the ledger where it is from.
 */
export interface WitnessMessage {
  readonly kind: "witness";
  readonly path: StorePath;
  readonly uploader: Sender;
}

export type StoreMessage = ImportMessage | UploadMessage | WitnessMessage;
