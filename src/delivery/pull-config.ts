/** `/etc/nixseal/pull.json`: where this host looks for its orders. Written by the NixOS module, or by hand. */
import { utf8Text } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import { nullable, object, oneOf, text, wrong, type Check } from "../core/shape.ts";
import { absolutePath, follows } from "../inventory/field-rules.ts";

export interface GitSource {
  readonly kind: "git";
  /** As git takes it: https, ssh, or a path of this machine. */
  readonly url: string;
  readonly branch: string;
  /** The commit that this host trusts for what it is; every later one must follow the policy in the history. */
  readonly introduction: string;
  /** Of fleet.toml in the repository. */
  readonly directory: string;
}

export type PullSource =
  | { readonly kind: "web"; readonly url: string }
  /** `removable`: that it is not there is no fault (a stick that nobody put in). */
  | { readonly kind: "directory"; readonly path: string; readonly removable: boolean }
  | GitSource;

export interface PullConfig {
  readonly source: PullSource;
  /** A binary cache, by URL or directory; null for the delivery's own. */
  readonly cache: string | null;
  /** Whether the host's own substituters are asked first, with the host's own keys. */
  readonly substitute: boolean;
  /** Where the host's receipts are handed in, by PUT to URL/HOST/NAME; null: into a directory that orders come from, if it can be written. */
  readonly report: string | null;
}

export const pullConfigFile = "/etc/nixseal/pull.json";
export const pullConfigLimit = 64 << 10;

const path = text((given) => follows(absolutePath, given), absolutePath.expected);
const url = text(
  (given) => /^https?:\/\/[\x21-\x7e]{1,2000}$/.test(given) && URL.canParse(given) && !given.includes("@"),
  "an http or https URL without a user",
);
const flag: Check<boolean> = (value, at) => {
  if (typeof value !== "boolean") throw wrong(at, "true or false", value);
  return value;
};
// Not an option, and none of git's transports that run a command (ext::).
const repository = text(
  (given) => /^[\x21-\x7e]{1,2000}$/.test(given) && !given.startsWith("-") && !given.includes("::"),
  "a repository's URL or path",
);
const branch = text(
  (given) => /^[A-Za-z0-9][A-Za-z0-9._/-]{0,200}$/.test(given) && !/\.\.|\/\/|\.lock$|\/$/.test(given),
  "a branch",
);
const below = text(
  (given) => given === "." || /^(?:[A-Za-z0-9_-][A-Za-z0-9._-]*\/)*[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(given),
  "a directory in the repository",
);
const commit = text((given) => /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(given), "a whole commit id");

const sources: { readonly [K in PullSource["kind"]]: Check<Extract<PullSource, { kind: K }>> } = {
  web: object({ kind: oneOf("web"), url }),
  directory: object({ kind: oneOf("directory"), path, removable: flag }),
  git: object({ kind: oneOf("git"), url: repository, branch, introduction: commit, directory: below }),
};

const source: Check<PullSource> = (value, at) => {
  const kind = typeof value === "object" && value !== null && "kind" in value ? value.kind : undefined;
  return sources[oneOf("web", "directory", "git")(kind, `${at}.kind`)](value, at);
};

const shape = object<PullConfig & { readonly v: 1 }>({
  v: oneOf(1),
  source,
  cache: nullable((value, at) =>
    (typeof value === "string" && value.startsWith("/") ? path : url)(value, at),
  ),
  substitute: flag,
  report: nullable(url),
});

/** Any JSON of exactly these keys. Throws `config`, naming the key. */
export function parsePullConfig(bytes: Uint8Array): PullConfig {
  let value: unknown;
  try {
    value = JSON.parse(utf8Text(bytes, "the configuration of pull"));
  } catch (cause) {
    throw new NixsealError("config", "the configuration of pull is not JSON", { cause });
  }
  // Optional: what came later must not stop a host from reading the file that it has.
  const whole = typeof value === "object" && value !== null ? { report: null, ...value } : value;
  const { v: _, ...config } = shape(whole, "pull");
  if (config.source.kind === "git" && config.cache === null && !config.substitute)
    throw new NixsealError("config", "pull: a repository holds no archives: there is nothing to copy from", {
      hint: "set 'cache' to a binary cache, or 'substitute' to true",
    });
  return config;
}
