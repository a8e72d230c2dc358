import { utf8Text } from "../../core/bytes.ts";
import { at, NixsealError } from "../../core/errors.ts";
import { didYouMean } from "../../core/suggest.ts";
import { parseToml } from "../../inventory/toml.ts";
import { limits } from "../limits.ts";

export const waiversFileName = "audit-waivers.toml";

/** Somebody's decision to live with one finding until a day. */
export interface Waiver {
  /** The finding's fingerprint. */
  readonly finding: string;
  /** The check and the file, for those who read the waiver; the fingerprint holds both. */
  readonly check: string;
  readonly file: string;
  readonly owner: string;
  /** The last day on which it counts, `YYYY-MM-DD`, in UTC. */
  readonly until: string;
  readonly because: string;
  /** Where it stands in the file. */
  readonly line: number;
}

const fields = ["finding", "check", "file", "owner", "until", "because"] as const;
type Field = (typeof fields)[number];

/** Reads the waivers of a target, strictly: a waiver that is not understood waives nothing. Throws `config` with the place. */
export function parseWaivers(bytes: Uint8Array): Waiver[] {
  try {
    const text = utf8Text(bytes, "the file");
    const top = parseToml(text);
    const stray = Object.keys(top).find((key) => key !== "waiver");
    if (stray !== undefined)
      throw new NixsealError("config", `unknown key '${stray}'`, {
        hint: didYouMean(stray, ["waiver"]) ?? "waivers are written as [[waiver]]",
      });
    const list: unknown = top["waiver"] ?? [];
    if (!Array.isArray(list))
      throw new NixsealError("config", "'waiver' is no list", { hint: "write [[waiver]]" });
    if (list.length > limits.waivers) throw new NixsealError("limit", `more than ${limits.waivers} waivers`);
    const lines = linesOfWaivers(text);
    return list.map((entry: unknown, index) => waiverOf(entry, lines[index] ?? 1));
  } catch (error) {
    throw at(error, { file: waiversFileName });
  }
}

function waiverOf(entry: unknown, line: number): Waiver {
  const wrong = (message: string, hint?: string): NixsealError =>
    new NixsealError("config", message, { hint, where: { line } });
  if (typeof entry !== "object" || entry === null) throw wrong("a waiver is a table", "write [[waiver]]");
  const given = entry as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(given))
    if (!fields.some((field) => field === key))
      throw wrong(`unknown key '${key}'`, didYouMean(key, fields) ?? `known: ${fields.join(", ")}`);
  const text = (field: Field): string => {
    const value = given[field];
    if (typeof value !== "string" || value.trim() === "") throw wrong(`a waiver needs '${field}' as text`);
    return value;
  };
  if (!/^[0-9a-f]{16}$/.test(text("finding")))
    throw wrong("'finding' is no fingerprint", "take the 16 hex digits from the report");
  return {
    finding: text("finding"),
    check: text("check"),
    file: text("file"),
    owner: text("owner"),
    until: dayOf(given["until"], wrong),
    because: text("because"),
    line,
  };
}

/** A date of TOML or a text of that form. */
function dayOf(value: unknown, wrong: (message: string, hint?: string) => NixsealError): string {
  const text = value instanceof Date ? value.toISOString().slice(0, 10) : value;
  if (typeof text !== "string" || !isDay(text)) throw wrong("'until' is no day", "write it as 2027-01-31");
  return text;
}

export function isDay(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false;
  const day = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text); // 2027-02-31 is none
}

function linesOfWaivers(text: string): number[] {
  return text
    .split("\n")
    .flatMap((line, index) => (/^\s*\[\[\s*waiver\s*\]\]/.test(line) ? [index + 1] : []));
}
