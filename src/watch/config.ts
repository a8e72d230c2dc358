/** What an administrator decides about watching: /etc/nixseal/watch.json. */
import { utf8Text } from "../core/bytes.ts";
import { NixsealError, at } from "../core/errors.ts";
import { severities, type Severity } from "../core/finding.ts";
import type { Files } from "../core/file-ports.ts";
import { list, object, oneOf, text, wrong, type Check } from "../core/shape.ts";
import { resolveTrusted } from "../secrets/install/trusted-path.ts";

/** What may be done by itself about advisories that the team signed as critical. */
export const policies = ["notify", "patch", "stop"] as const;
export type Policy = (typeof policies)[number];

export interface WatchConfig {
  /** A URL, or the absolute path of a directory or a bundle. */
  readonly feed: string;
  /** The feed's root that somebody compared with its publisher's; an absolute path. */
  readonly root: string;
  /** Affected packages of this severity or worse are worth a notice. */
  readonly minimum: Severity;
  readonly critical: Policy;
  /** Names of units, with `*`; they are added to those that are never stopped anyway. */
  readonly neverStop: readonly string[];
}

const longest = 64 << 10;
const most = 256;
const defaults = { minimum: "high", critical: "notify", neverStop: [] };

const isPath = (value: string): boolean => /^\/[^\p{Cc}]{1,4000}$/u.test(value);

const shape: Check<WatchConfig & { readonly version: 1 }> = object({
  version: oneOf(1),
  feed: text(
    (value) => isPath(value) || /^https?:\/\/[^\s\p{Cc}]{1,2000}$/u.test(value),
    "a URL of http or https, or an absolute path",
  ),
  root: text(isPath, "an absolute path"),
  minimum: oneOf(...severities),
  critical: oneOf(...policies),
  neverStop: list(
    text((value) => /^[A-Za-z0-9:_.\\@*-]{1,255}$/.test(value), 'the name of a unit, with "*" for anything'),
    most,
  ),
});

export function parseConfig(bytes: Uint8Array): WatchConfig {
  let value: unknown;
  try {
    value = JSON.parse(utf8Text(bytes, "the configuration"));
  } catch (cause) {
    if (cause instanceof NixsealError) throw cause;
    throw new NixsealError("config", "not JSON", { cause });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw wrong("$", "an object", value);
  const { version: _, ...config } = shape({ ...defaults, ...value }, "$");
  return config;
}

/** Throws `refused` when somebody else than root could change what root goes by. */
export async function readConfig(
  files: Pick<Files, "read" | "status" | "statusOfLink" | "readLink">,
  root: string,
  path: string,
): Promise<WatchConfig> {
  try {
    return parseConfig(await readTrusted(files, root, path, longest));
  } catch (error) {
    throw at(error, { file: `${root}${path}` });
  }
}

/** The bytes of a file that decides about this host. `path` is on the host, without the prefix. */
export async function readTrusted(
  files: Pick<Files, "read" | "status" | "statusOfLink" | "readLink">,
  root: string,
  path: string,
  limit: number,
): Promise<Uint8Array> {
  const found = await resolveTrusted(files, root, path);
  if (found.missing.length > 0) throw new NixsealError("not-found", "no such file");
  if (!found.trusted)
    throw new NixsealError("refused", "others can change it", {
      hint: `chown root '${found.path}' and chmod go-w '${found.path}'`,
    });
  return files.read(found.path, { limit, follow: false });
}
