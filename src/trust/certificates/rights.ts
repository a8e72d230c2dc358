/** The critical option that says what a member certificate is for. */
import { utf8 } from "../../core/bytes.ts";
import { canonicalJson } from "../../core/canonical-json.ts";
import { NixsealError } from "../../core/errors.ts";
import { list, oneOf, wrong, type Check } from "../../core/shape.ts";
import { parseSelectorEntry, type SelectorEntry } from "../../inventory/selector-entry.ts";
import { asMalformed, parseJson } from "../root/root.ts";

export const rights = [
  "commit",
  "merge",
  "policy",
  "upload",
  "approve",
  "activate",
  "secrets",
  "observe",
] as const;
export type Right = (typeof rights)[number];

/** Critical, so that sshd, which does not know it, refuses the certificate for a login. */
export const rightsOption = "rights@nixseal";

export interface Rights {
  readonly rights: readonly Right[];
  /** Selectors of the hosts that the rights hold on; none is no host. */
  readonly hosts: readonly SelectorEntry[];
  readonly maxClosureBytes: number | null;
  /** `up`: an authenticator whose user was there; `uv`: whose user proved to be the one. */
  readonly touch: "up" | "uv" | null;
}

const largest = 32 << 10;
const mostSelectors = 1024;

const selector: Check<SelectorEntry> = (value, path) => {
  const entry = typeof value === "string" ? parseSelectorEntry(value) : null;
  if (entry === null || entry.kind === "group") throw wrong(path, "a selector of hosts", value);
  return entry;
};

const oneRight = oneOf(...rights);
const someRights = list(oneRight, rights.length, 1);
const someHosts = list(selector, mostSelectors);
const version = oneOf(1);
const touch = oneOf("up", "uv");

const size: Check<number> = (value, path) => {
  if (typeof value === "number" && Number.isSafeInteger(value) && value > 0) return value;
  throw wrong(path, "a number of bytes", value);
};

const names = new Set(["hosts", "maxClosureBytes", "rights", "touch", "v"]);

/** `malformed` (or `limit`) for anything but one JSON object with these fields, each at most once. */
export function parseRights(text: string): Rights {
  if (text.length > largest) throw new NixsealError("limit", `rights of ${text.length} characters`);
  const value = parseJson(utf8(text), "the certificate's rights");
  // Of a field that stands there twice JSON.parse takes the last, and another reader the first.
  const written = text.replaceAll(/("(?:[^"\\]|\\.)*")|\s+/g, "$1");
  if (JSON.stringify(value) !== written)
    throw new NixsealError("malformed", "the certificate's rights repeat a field, or spell a value oddly");
  return asMalformed(() => readRights(value));
}

/** Canonical JSON; rights in the order of `rights`, each once. */
export function formatRights(given: Rights): string {
  return canonicalJson({
    hosts: given.hosts.map(({ text }) => text),
    ...(given.maxClosureBytes === null ? {} : { maxClosureBytes: given.maxClosureBytes }),
    rights: rights.filter((right) => given.rights.includes(right)),
    ...(given.touch === null ? {} : { touch: given.touch }),
    v: 1,
  });
}

function readRights(value: unknown): Rights {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw wrong("rights", "an object", value);
  const fields = value as Record<string, unknown>;
  const unknown = Object.keys(fields).find((key) => !names.has(key));
  // A limit that is not understood would not be enforced.
  if (unknown !== undefined) throw wrong("rights", `only ${[...names].join(", ")}`, unknown);
  version(fields["v"], "rights.v");
  const given = someRights(fields["rights"], "rights.rights");
  if (new Set(given).size < given.length) throw wrong("rights.rights", "each right once", given);
  return {
    rights: given,
    hosts: someHosts(fields["hosts"], "rights.hosts"),
    maxClosureBytes: Object.hasOwn(fields, "maxClosureBytes")
      ? size(fields["maxClosureBytes"], "rights.maxClosureBytes")
      : null,
    touch: Object.hasOwn(fields, "touch") ? touch(fields["touch"], "rights.touch") : null,
  };
}
