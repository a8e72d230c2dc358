/** What importers share: JSON from outside with bounds on everything. */
import { utf8Text } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import { Field } from "../../nix/json-fields.ts";

/** A whole JSON document of at most `limit` bytes. */
export function document(bytes: Uint8Array, what: string, limit: number): Field {
  if (bytes.length > limit) throw new NixsealError("limit", `${what} has more than ${limit} bytes`);
  return Field.parse(utf8Text(bytes, what), what);
}

/** The elements of a list; none where the field is missing. */
export function items(field: Field, most: number): Field[] {
  if (field.isNull) return [];
  if (Array.isArray(field.value) && field.value.length > most)
    throw new NixsealError("limit", `${field.name}: more than ${most} elements`);
  return field.items();
}

/** Text without control characters and with at most so many characters; `malformed` and `limit` otherwise. */
export function shortText(field: Field, most: number): string {
  const text = field.string();
  if (text.length > most) throw new NixsealError("limit", `${field.name}: more than ${most} characters`);
  if (/\p{Cc}/u.test(text) || !text.isWellFormed()) throw field.wrong("text without control characters");
  return text;
}

/** The same, or the empty string where the field is missing. */
export function optionalText(field: Field, most: number): string {
  return field.isNull ? "" : shortText(field, most);
}

/** Prose in one line, cut: it is shown to people and never decides. */
export function prose(field: Field, most: number): string {
  if (field.isNull) return "";
  const line = field
    .string()
    .toWellFormed()
    .slice(0, most * 4)
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, " ")
    .trim();
  return line.length > most ? `${line.slice(0, most - 1).toWellFormed()}…` : line;
}

/** RFC 3339, or the local form without zone that NVD writes (which is UTC); as UTC to the second. */
export function time(field: Field): string {
  if (field.isNull) return "";
  const text = field.string();
  const match =
    /^([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})?)?$/.exec(
      text,
    );
  const date = match === null ? null : new Date(`${match[1]}T${match[2] ?? "00:00:00"}${match[3] ?? "Z"}`);
  if (date === null || Number.isNaN(date.getTime())) throw field.wrong("a time");
  return `${date.toISOString().slice(0, 19)}Z`;
}

/** Which ids there are is up to their databases; what they may hold is not: they become file names and keys. */
export function advisoryId(field: Field): string {
  return field.parsed((text) => {
    if (/^[A-Za-z0-9][A-Za-z0-9._:-]{1,98}$/.test(text)) return text;
    throw new NixsealError("malformed", "expected the id of an advisory");
  });
}

/** A score of CVSS. */
export function score(field: Field): number | null {
  if (field.isNull) return null;
  const { value } = field;
  if (typeof value !== "number" || !(value >= 0 && value <= 10)) throw field.wrong("a number from 0 to 10");
  return value;
}
