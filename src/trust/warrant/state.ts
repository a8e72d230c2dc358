/** What a host has accepted before, so that nobody can take it back. */
import { utf8 } from "../../core/bytes.ts";
import { canonicalJson, type Json } from "../../core/canonical-json.ts";
import { NixsealError } from "../../core/errors.ts";
import { follows, name } from "../../inventory/field-rules.ts";
import { Field } from "../../nix/json-fields.ts";
import { formatTime } from "../root/root.ts";
import type { Subject, Warrant } from "./model.ts";

/** The place in a sequence: enough to tell what may come next. */
export interface Head {
  readonly seq: number;
  /** `payloadDigest` of that warrant. */
  readonly digest: string;
}

export interface WarrantState {
  /** The last accepted warrant of each sequence, by `sequenceOf`: the host's own, and one for each group that it obeys. */
  readonly heads: ReadonlyMap<string, Head>;
  /** `notBefore` of the newest accepted order, in whichever sequence. */
  readonly newest: Date | null;
  /** The latest time in anything that was accepted: time never goes behind it. */
  readonly floor: Date | null;
}

export const nothingAccepted: WarrantState = { heads: new Map(), newest: null, floor: null };

const mostHeads = 1024;
const largest = 256 << 10;

/** `web` for a host's own, `@web` for a group's: no name begins with `@`. Also the directory of its warrants. */
export function sequenceOf({ kind, name }: Subject): string {
  return kind === "host" ? name : `@${name}`;
}

export function stateAfter(state: WarrantState, warrant: Warrant, digest: string): WarrantState {
  const { subject, seq, notBefore } = warrant;
  return {
    heads: new Map([...state.heads, [sequenceOf(subject), { seq, digest }]]),
    newest: latest(state.newest, notBefore),
    floor: latest(state.floor, notBefore),
  };
}

/** `malformed` when it is damaged: what cannot be read must not count as nothing accepted. */
export function parseWarrantState(bytes: Uint8Array): WarrantState {
  if (bytes.length > largest) throw new NixsealError("limit", `the state has ${bytes.length} bytes`);
  const top = Field.parse(Buffer.from(bytes).toString("utf8"), "state");
  const state = {
    heads: readHeads(top.get("heads"), mostHeads),
    newest: time(top.get("newest")),
    floor: time(top.get("floor")),
  };
  if (Buffer.compare(formatWarrantState(state), bytes) !== 0)
    throw new NixsealError("malformed", "the state is not canonical JSON with one line end");
  return state;
}

/** Canonical JSON and a line end. */
export function formatWarrantState({ heads, newest, floor }: WarrantState): Uint8Array {
  const value = {
    heads: headsJson(heads),
    newest: newest === null ? null : formatTime(newest),
    floor: floor === null ? null : formatTime(floor),
  };
  return utf8(`${canonicalJson(value)}\n`);
}

/** At most so many; `malformed` for what no sequence or digest looks like. */
export function readHeads(field: Field, most: number): Map<string, Head> {
  const entries = field.entries();
  if (entries.length > most) throw new NixsealError("limit", `${field.name}: more than ${most} sequences`);
  return new Map(
    entries.map(([sequence, head]) => {
      if (!follows(name, sequence.replace(/^@/, "")))
        throw head.wrong("the name of a host, or @ and a group's");
      const digest = head.get("digest").string();
      if (!/^[0-9a-f]{64}$/.test(digest)) throw head.get("digest").wrong("a SHA-256 in hex");
      return [sequence, { seq: head.get("seq").count(), digest }];
    }),
  );
}

/** As it stands in JSON. */
export function headsJson(heads: ReadonlyMap<string, Head>): Json {
  return Object.fromEntries([...heads].map(([sequence, { seq, digest }]) => [sequence, { seq, digest }]));
}

function time(field: Field): Date | null {
  if (field.isNull) return null;
  const date = new Date(field.string());
  if (Number.isNaN(date.getTime())) throw field.wrong("a time");
  return date;
}

function latest(before: Date | null, time: Date): Date {
  return before !== null && before > time ? before : time;
}
