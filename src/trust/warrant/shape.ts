/** From JSON to a warrant, field by field. */
import { NixsealError } from "../../core/errors.ts";
import { object, oneOf, nullable, text, wrong, type Check } from "../../core/shape.ts";
import { follows, name } from "../../inventory/field-rules.ts";
import { parseContentAddress } from "../../nix/content-address.ts";
import { parseHash, type Hash } from "../../nix/hash.ts";
import { anyStore, parseStorePath, type StorePath } from "../../nix/store-path.ts";
import type { ClosurePath } from "./closure.ts";
import { warrantLimits } from "./limits.ts";
import { actions, type Source, type Warrant } from "./model.ts";

/** Throws `malformed`, naming the field. Canonical form and the closure's rules are `parseWarrant`'s to check. */
export function warrantShape(value: unknown): Warrant {
  const kind = isRecord(value) && Object.hasOwn(value, "group") ? "group" : "host";
  const optional = {
    ...(isRecord(value) && Object.hasOwn(value, "drvPath") ? { drvPath: storePath } : {}),
    ...(isRecord(value) && Object.hasOwn(value, "source") ? { source } : {}),
  };
  const fields = asMalformed(() =>
    object<Fields>({ ...required, [kind]: subjectName, ...optional })(value, "warrant"),
  );
  const { v: _, host, group, drvPath, source: from, ...rest } = fields;
  return {
    ...rest,
    subject: { kind, name: (kind === "group" ? group : host)! },
    drvPath: drvPath ?? null,
    source: from ?? null,
  };
}

interface Fields extends Omit<Warrant, "subject" | "drvPath" | "source"> {
  readonly v: 1;
  readonly host?: string;
  readonly group?: string;
  readonly drvPath?: StorePath;
  readonly source?: Source;
}

const subjectName = text((given) => follows(name, given), name.expected);
const objectId = text((given) => /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(given), "an object id of git");

const time: Check<Date> = (value, path) => {
  // Exactly one spelling; the rest is compared byte by byte later. Four digits: RFC 3339 ends with the year 9999.
  if (typeof value === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(value)) {
    const date = new Date(value);
    if (!Number.isNaN(date.getTime())) return date;
  }
  throw wrong(path, 'a time such as "2030-01-31T12:00:00Z"', value);
};

const source = object<Source>({
  repo: text(
    (given) => given.length > 0 && given.length <= 512 && !/[^\x20-\x7e]/.test(given),
    "a repository's address",
  ),
  commit: objectId,
  tree: objectId,
});

const storePath: Check<StorePath> = (value, path) =>
  parsed(value, path, (given) => parseStorePath(given, anyStore));

function closurePath(
  value: unknown,
  path: string,
  own: StorePath,
  known: ReadonlyMap<unknown, StorePath>,
): ClosurePath {
  const [, narHash, narSize, references, address] = tuple(value, path);
  if (typeof narSize !== "number" || !Number.isSafeInteger(narSize) || narSize <= 0)
    throw wrong(`${path}[2]`, "the size of a NAR", narSize);
  if (!Array.isArray(references)) throw wrong(`${path}[3]`, "a list", references);
  return {
    path: own,
    narHash: parsed<Hash>(narHash, `${path}[1]`, parseHash),
    narSize,
    references: references.map((one: unknown, index) => {
      const reference = known.get(one);
      if (reference === undefined) throw wrong(`${path}[3][${index}]`, "one of the paths", one);
      return reference;
    }),
    contentAddress: address === undefined ? null : parsed(address, `${path}[4]`, parseContentAddress),
  };
}

function tuple(value: unknown, path: string): readonly unknown[] {
  if (Array.isArray(value) && (value.length === 4 || value.length === 5)) return value as unknown[];
  throw wrong(path, "[path, narHash, narSize, [references], ca?]", value);
}

const paths: Check<readonly ClosurePath[]> = (value, path) => {
  if (!Array.isArray(value)) throw wrong(path, "a list", value);
  if (value.length > warrantLimits.paths)
    throw new NixsealError("limit", `${path}: ${value.length} paths, at most ${warrantLimits.paths}`);
  const tuples = value.map((one, index) => tuple(one, `${path}[${index}]`));
  const own = tuples.map(([first], index) => storePath(first, `${path}[${index}][0]`));
  // A reference is the text of a path that was parsed already: parsing it again is most of the work, and keeping it most of the
  // memory.
  const known = new Map(own.map((one) => [one, one]));
  return tuples.map((one, index) => closurePath(one, `${path}[${index}]`, own[index]!, known));
};

const required = {
  v: oneOf(1),
  fleet: subjectName,
  seq: ((value, path) => {
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 1) return value;
    throw wrong(path, "a whole number from 1", value);
  }) satisfies Check<number>,
  prev: nullable(text((given) => /^[0-9a-f]{64}$/.test(given), "a SHA-256 in hex")),
  notBefore: time,
  expires: time,
  action: oneOf(...actions),
  toplevel: storePath,
  paths,
};

function parsed<T>(value: unknown, path: string, parse: (text: string) => T): T {
  if (typeof value !== "string") throw wrong(path, "a string", value);
  try {
    return parse(value);
  } catch (error) {
    if (!(error instanceof NixsealError)) throw error;
    throw new NixsealError(error.code, `${path}: ${error.message}`, { hint: error.hint, cause: error });
  }
}

function asMalformed<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    // The checks of core/shape.ts speak of files that people write; a program wrote these bytes.
    if (!(error instanceof NixsealError) || error.code !== "config") throw error;
    throw new NixsealError("malformed", error.message, { hint: error.hint });
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
