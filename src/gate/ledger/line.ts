/**
 * Lines of the ledger: NDJSON, each with a hash over itself and the hash before it. Whoever changes, adds or removes a line in the
 * middle breaks the chain there. Root can write a whole new chain; what stops that is the receipts, which name heads.
 */
import { createHash } from "node:crypto";
import { canonicalJson, type Json } from "../../core/canonical-json.ts";
import { NixsealError } from "../../core/errors.ts";
import { Field } from "../../nix/json-fields.ts";
import { entryJson, readEntry, type LedgerEntry } from "./entry.ts";

/** First line of a segment. */
export interface SegmentHeader {
  /** From 1, rising by one; the file's name is the same. */
  readonly number: number;
  /** Bytes at the end of the segment before that a power cut left half written. They stay there: nothing is taken away. */
  readonly torn: number;
}

export type Line =
  | { readonly kind: "segment"; readonly chain: string; readonly header: SegmentHeader }
  | { readonly kind: "entry"; readonly chain: string; readonly entry: LedgerEntry };

/** Where the chain of the first segment begins. */
export const genesis = "0".repeat(64);

export function entryLine(
  before: string,
  entry: LedgerEntry,
): { readonly text: string; readonly chain: string } {
  return lineOf(before, "entry", entryJson(entry));
}

export function headerLine(
  before: string,
  header: SegmentHeader,
): { readonly text: string; readonly chain: string } {
  return lineOf(before, "segment", { number: header.number, torn: header.torn });
}

/** Without its line end. `malformed` when it is none; whether it follows the one before, `follows` says. */
export function parseLine(text: string): Line {
  const [, chain, rest] = /^\{"chain":"([0-9a-f]{64})",("(?:entry|segment)":.*)$/s.exec(text) ?? [];
  if (chain === undefined || rest === undefined)
    throw new NixsealError("malformed", "this is no line of a ledger");
  const field = Field.parse(`{${rest}`, "line");
  if (field.has("entry")) return { kind: "entry", chain, entry: readEntry(field.get("entry")) };
  const segment = field.get("segment");
  return {
    kind: "segment",
    chain,
    header: { number: segment.get("number").count(), torn: segment.get("torn").count() },
  };
}

/** Whether the line was written after the one with that hash, and is as it was written. */
export function follows(before: string, text: string): boolean {
  return text.slice(10, 74) === hashOf(before, text.slice(76));
}

function lineOf(before: string, key: string, value: Json): { readonly text: string; readonly chain: string } {
  const rest = canonicalJson({ [key]: value }).slice(1);
  const chain = hashOf(before, rest);
  return { text: `{"chain":"${chain}",${rest}\n`, chain };
}

function hashOf(before: string, rest: string): string {
  return createHash("sha256").update(`${before}\n${rest}`).digest("hex");
}
