/** The file that says what is audited regularly. */
import { utf8Text } from "../../core/bytes.ts";
import { at, NixsealError } from "../../core/errors.ts";
import { severities, type Severity } from "../../core/finding.ts";
import { didYouMean } from "../../core/suggest.ts";
import { follows, name as nameRule } from "../../inventory/field-rules.ts";
import { parseToml } from "../../inventory/toml.ts";
import { auditAreas, type AuditArea } from "../checks/check.ts";

export interface RoundTarget {
  /** Names its reports: NAME.json, NAME.html. */
  readonly name: string;
  /** As on the command line of `nixseal audit`. */
  readonly target: string;
  readonly only: readonly AuditArea[] | null;
  readonly failOn: Severity;
  readonly toplevel: readonly string[];
  readonly cache: string | null;
}

export interface TargetsFile {
  /** Where the results can be read, for links in the feed; null where nobody says. */
  readonly address: string | null;
  readonly targets: readonly RoundTarget[];
}

export const targetsFileLimit = 1 << 20;
const mostTargets = 1000;
const topKeys = ["address", "fail_on", "target"] as const;
const targetKeys = ["name", "target", "only", "fail_on", "toplevel", "cache"] as const;
/** Files of the round itself. */
const reserved: ReadonlySet<string> = new Set(["index", "feed", "state"]);

type Fields = Readonly<Record<string, unknown>>;

/** Reads it strictly: a target that is not understood would be one that nobody audits. Throws `config`. */
export function parseTargetsFile(bytes: Uint8Array, file: string): TargetsFile {
  try {
    const top = parseToml(utf8Text(bytes, "the file"));
    onlyKeys(top, topKeys, "");
    const list: unknown = top["target"] ?? [];
    if (!Array.isArray(list) || list.length === 0)
      throw wrong("it names no target", 'write [[target]] with name = "…" and target = "…"');
    if (list.length > mostTargets) throw new NixsealError("limit", `more than ${mostTargets} targets`);
    const failOn = severity(top, "fail_on", "low", "");
    const targets = list.map((entry: unknown, index) => targetOf(entry, index + 1, failOn));
    const seen = new Set<string>();
    for (const { name } of targets) {
      // Names become file names, and some file systems know no capitals.
      if (seen.has(name.toLowerCase())) throw wrong(`two targets are called '${name}'`);
      seen.add(name.toLowerCase());
    }
    return { address: addressOf(top), targets };
  } catch (error) {
    throw at(error, { file });
  }
}

function targetOf(entry: unknown, number: number, failOn: Severity): RoundTarget {
  const place = `target ${number}: `;
  if (typeof entry !== "object" || entry === null)
    throw wrong(`${place}expected a table`, "write [[target]]");
  const given = entry as Fields;
  onlyKeys(given, targetKeys, place);
  const name = text(given, "name", place);
  if (!follows(nameRule, name) || reserved.has(name.toLowerCase()))
    throw wrong(`${place}'${name.slice(0, 80)}' cannot be its name`, `expected ${nameRule.expected}`);
  const only =
    given["only"] === undefined ? null : texts(given, "only", place).map((word) => areaOf(word, place));
  return {
    name,
    target: text(given, "target", place),
    only,
    failOn: severity(given, "fail_on", failOn, place),
    toplevel: given["toplevel"] === undefined ? [] : texts(given, "toplevel", place),
    cache: given["cache"] === undefined ? null : text(given, "cache", place),
  };
}

function areaOf(word: string, place: string): AuditArea {
  const area = auditAreas.find((known) => known === word);
  if (area !== undefined) return area;
  throw wrong(
    `${place}unknown area '${word}'`,
    didYouMean(word, auditAreas) ?? `known: ${auditAreas.join(", ")}`,
  );
}

function severity(given: Fields, key: string, otherwise: Severity, place: string): Severity {
  if (given[key] === undefined) return otherwise;
  const word = text(given, key, place);
  const found = severities.find((known) => known === word);
  if (found !== undefined) return found;
  throw wrong(
    `${place}unknown severity '${word}'`,
    didYouMean(word, severities) ?? `known: ${severities.join(", ")}`,
  );
}

function addressOf(top: Fields): string | null {
  if (top["address"] === undefined) return null;
  const address = text(top, "address", "");
  if (!URL.canParse(address) || !/^https?:$/.test(new URL(address).protocol))
    throw wrong("'address' is no http or https URL");
  return address.endsWith("/") ? address : `${address}/`;
}

function text(given: Fields, key: string, place: string): string {
  const value = given[key];
  if (typeof value !== "string" || value === "" || value.length > 4096 || /\p{Cc}/u.test(value))
    throw wrong(`${place}'${key}' is a line of text`);
  return value;
}

function texts(given: Fields, key: string, place: string): string[] {
  const value = given[key];
  if (!Array.isArray(value) || value.length === 0 || value.length > 100)
    throw wrong(`${place}'${key}' is a list of texts`);
  return value.map((item: unknown) => text({ [key]: item }, key, place));
}

function onlyKeys(given: Fields, known: readonly string[], place: string): void {
  const stray = Object.keys(given).find((key) => !known.includes(key));
  if (stray !== undefined)
    throw wrong(
      `${place}unknown key '${stray.slice(0, 80)}'`,
      didYouMean(stray, known) ?? `known: ${known.join(", ")}`,
    );
}

function wrong(message: string, hint?: string): NixsealError {
  return new NixsealError("config", message, { hint });
}
