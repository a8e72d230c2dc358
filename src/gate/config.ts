/** `/etc/nixseal/gate.json`: who this host is, and how its gate works. Written by the NixOS module or by `nixseal host setup`. */
import { utf8Text } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import { list, nullable, object, oneOf, text, wrong, type Check } from "../core/shape.ts";
import { absolutePath, follows, name, user, type Rule } from "../inventory/field-rules.ts";
import { parsePublicKey, type PublicKey } from "../nix/signing-key.ts";
import { isStoreDirectory } from "../nix/store-path.ts";

export interface GateConfig {
  readonly fleet: string;
  readonly host: string;
  /** As the inventory has them: selectors of certificates and groups of the root ask for them. */
  readonly tags: readonly string[];
  readonly storeDirectory: string;
  /** The directory of a chroot store; null for the machine's own store. */
  readonly store: string | null;
  /** The account that uploads: beside root the only one whose messages are read. */
  readonly user: string;
  /**
   * `warrants`: nothing activates without one. `certificates` is stage 0: members upload with short-lived certificates and activate
   * as with stock tools. It stops uploads by strangers and by those whose certificate ended; it does not stop a member who may
   * upload from becoming root.
   */
  readonly mode: "warrants" | "certificates";
  /** The root from which trust begins on this host. */
  readonly root: string;
  /** Caches whose signature lets a path pass without a warrant. */
  readonly upstream: readonly PublicKey[];
  /** How many seconds a new system waits for its confirmation before it is undone; null where none is asked for. */
  readonly confirm: { readonly within: number } | null;
  /** Commands that must all succeed before a new system is kept. */
  readonly health: readonly (readonly string[])[];
  readonly quarantine: { readonly bytes: number; readonly days: number };
  readonly profile: string;
  readonly hostKey: string;
}

export const gateConfigFile = "/etc/nixseal/gate.json";
export const gateConfigLimit = 64 << 10;

const named = rule(name);
const path = rule(absolutePath);
const word = text(
  (given) => given.length <= 4096 && !/\p{Cc}/u.test(given),
  "a word without control characters",
);

const shape = object({
  v: oneOf(1),
  fleet: named,
  host: named,
  tags: list(named, 256),
  storeDirectory: text(isStoreDirectory, "a store directory"),
  store: nullable(path),
  user: rule(user),
  mode: oneOf("warrants", "certificates"),
  root: path,
  upstream: list(publicKey, 64),
  confirm: nullable(object({ within: integer(5, 24 * 3600) })),
  health: list(argv, 32),
  quarantine: object({ bytes: integer(0, Number.MAX_SAFE_INTEGER), days: integer(1, 3650) }),
  profile: path,
  hostKey: path,
});

/** Any JSON of exactly these keys: people may write it. Throws `config`, naming the key. */
export function parseGateConfig(bytes: Uint8Array): GateConfig {
  if (bytes.length > gateConfigLimit)
    throw new NixsealError(
      "limit",
      `the gate's configuration has ${bytes.length} bytes, more than ${gateConfigLimit}`,
    );
  const { v: _, ...config } = shape(parseJson(bytes), "gate");
  return config;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(utf8Text(bytes, "the gate's configuration")) as unknown;
  } catch (cause) {
    throw new NixsealError("config", "the gate's configuration is not JSON", { cause });
  }
}

/** A whole path in front: what PATH finds is nobody's promise. */
function argv(value: unknown, at: string): readonly string[] {
  const words = list(word, 64, 1)(value, at);
  path(words[0], `${at}[0]`);
  return words;
}

function publicKey(value: unknown, at: string): PublicKey {
  if (typeof value !== "string")
    throw wrong(at, 'the public key of a binary cache ("cache.nixos.org-1:…")', value);
  try {
    return parsePublicKey(value);
  } catch (cause) {
    if (!(cause instanceof NixsealError)) throw cause;
    throw new NixsealError("config", `${at}: ${cause.message}`, { cause });
  }
}

function rule(given: Rule): Check<string> {
  return text((value) => follows(given, value), given.expected);
}

function integer(least: number, most: number): Check<number> {
  return (value, at) => {
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= least && value <= most)
      return value;
    throw wrong(at, `a whole number from ${least} to ${most}`, value);
  };
}
