/** The inventory as the rest of the program sees it: validated, every default applied, plain data. */
import type { Fingerprint } from "../ssh/public-key.ts";
import type { SelectorEntry } from "./selector-entry.ts";

/** `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`, and an entry of the fleet. */
export type HostName = string & { readonly __brand: "HostName" };
export type MemberName = string & { readonly __brand: "MemberName" };
export type SecretName = string & { readonly __brand: "SecretName" };

/** An SSH public key without its comment, so that two spellings of one key are the same text. */
export interface SshKey {
  /** `ssh-ed25519`, `ssh-rsa`, … */
  readonly type: string;
  /** `TYPE BASE64` */
  readonly line: string;
  readonly fingerprint: Fingerprint;
}

interface Entry {
  /** The file that holds the entry, relative to the fleet's directory. */
  readonly file: string;
}

export interface Host extends Entry {
  readonly name: HostName;
  /** A DNS name or an IP address. Default: the name. */
  readonly address: string;
  readonly port: number;
  /** null: whatever ssh itself would take. */
  readonly user: string | null;
  /** Verified on every connection. */
  readonly hostKeys: readonly SshKey[];
  /** CAs of the fleet whose host certificates count too, when they name `principal`. */
  readonly authorities: readonly SshKey[];
  /** What its SSH certificate calls it. Default: the address. */
  readonly principal: string;
  /** age recipients that replace the host keys; empty when the host keys are the recipients. */
  readonly recipients: readonly string[];
  /** Files on the host with private keys to try; empty when they follow from the host keys. */
  readonly identities: readonly string[];
  readonly tags: readonly string[];
  /** `x86_64-linux`, … */
  readonly system: string | null;
}

export interface Member extends Entry {
  readonly name: MemberName;
  /** Keys that sign. */
  readonly keys: readonly SshKey[];
  /** OpenPGP certificates that sign: files below `trust/keys/`. */
  readonly keyFiles: readonly string[];
  /** age recipients that replace the SSH keys; empty when the SSH keys are the recipients. */
  readonly recipients: readonly string[];
  readonly groups: readonly string[];
}

/** `users`: installed before the users of the configuration exist. */
export type Stage = "default" | "users";

/** A declared way to make the value. Kinds and their settings belong to the generators. */
export interface Generator {
  readonly kind: string;
  readonly settings: Readonly<Record<string, unknown>>;
}

export interface Secret extends Entry {
  readonly name: SecretName;
  readonly hosts: readonly SelectorEntry[];
  /** null: every member who may read secrets. */
  readonly readers: readonly SelectorEntry[] | null;
  /** A name, or a number as text. */
  readonly owner: string;
  readonly group: string;
  /** Four octal digits. */
  readonly mode: string;
  /** Absolute and in its one spelling. */
  readonly path: string;
  readonly restart: readonly string[];
  readonly reload: readonly string[];
  readonly stage: Stage;
  readonly credential: { readonly unit: string; readonly name: string } | null;
  readonly generator: Generator | null;
  /** Seconds. */
  readonly maxAge: number | null;
  /** Secrets of one label are installed all or none. */
  readonly together: string | null;
}

/** Where operators share what they must not do twice. */
export type SharedState =
  | { readonly kind: "directory"; readonly path: string }
  /** `authorities`: a PEM file relative to the fleet's directory. */
  | { readonly kind: "etcd"; readonly endpoints: readonly string[]; readonly authorities: string };

/** Exactly one of the two. */
export type Check =
  | { readonly kind: "command"; readonly words: readonly string[] }
  | { readonly kind: "url"; readonly url: string };

/** How a deployment goes over the hosts, unless the command line says otherwise. */
export interface DeployDefaults {
  readonly canary: number;
  /** Per cent of all hosts. */
  readonly waves: readonly number[];
  /** Seconds. */
  readonly soak: number;
  readonly failures: number;
  readonly onFailure: "stop" | "revert";
  readonly parallel: number;
  readonly checks: readonly Check[];
}

/** Entries are in the order of the files, `fleet.toml` first. */
export interface Fleet {
  readonly name: string | null;
  readonly hosts: ReadonlyMap<HostName, Host>;
  readonly members: ReadonlyMap<MemberName, Member>;
  readonly secrets: ReadonlyMap<SecretName, Secret>;
  readonly deploy: DeployDefaults;
  /** null: in each operator's own state directory. */
  readonly state: SharedState | null;
  /** Who has a tag or is in a group; what `tag:T` and `group:G` look up. */
  readonly tags: ReadonlyMap<string, readonly Host[]>;
  readonly groups: ReadonlyMap<string, readonly Member[]>;
  /** Every file that was read, relative to the fleet's directory, `fleet.toml` first. */
  readonly files: readonly string[];
}
