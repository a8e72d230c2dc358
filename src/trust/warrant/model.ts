/** What a warrant says, as the rest of the program sees it. */
import type { StorePath } from "../../nix/store-path.ts";
import type { ClosurePath } from "./closure.ts";

/** Another meaning of the bytes gets another namespace, so that old signatures do not reach it. */
export const warrantNamespace = "nixseal-warrant@v1";

export const actions = ["switch", "boot", "test"] as const;
/** As in `switch-to-configuration`: activate and boot from it, boot from it next time, activate until the next boot. */
export type Action = (typeof actions)[number];

/** Whom the order is for. A group is one of the root's: its hosts all activate the same closure. */
export type Subject =
  | { readonly kind: "host"; readonly name: string }
  | { readonly kind: "group"; readonly name: string };

/** Where the configuration came from, as git names it. */
export interface Source {
  readonly repo: string;
  readonly commit: string;
  readonly tree: string;
}

export interface Warrant {
  readonly fleet: string;
  readonly subject: Subject;
  /** From 1; rises by one with every warrant for the subject. */
  readonly seq: number;
  /** `payloadDigest` of the warrant before; null for the first. */
  readonly prev: string | null;
  readonly notBefore: Date;
  /** From this second on it orders nothing any more. */
  readonly expires: Date;
  readonly action: Action;
  readonly toplevel: StorePath;
  readonly drvPath: StorePath | null;
  readonly source: Source | null;
  readonly paths: readonly ClosurePath[];
}
