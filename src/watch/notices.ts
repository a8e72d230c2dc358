/** What watching found out, for people and for the programs that tell them: /var/lib/nixseal/notices.json. */
import { utf8, utf8Text } from "../core/bytes.ts";
import { canonicalJson, type Json } from "../core/canonical-json.ts";
import { NixsealError, at } from "../core/errors.ts";
import { severities, type Severity } from "../core/finding.ts";
import type { Files } from "../core/file-ports.ts";
import { list, nullable, object, oneOf, text, wrong, type Check } from "../core/shape.ts";
import { unitNameCheck } from "./unit-name.ts";

/** An affected package. */
export interface Notice {
  readonly advisory: string;
  readonly package: string;
  readonly version: string;
  readonly severity: Severity;
  readonly message: string;
  readonly hint: string | null;
  readonly exploited: boolean;
  /** The team signed that hosts may act on it by themselves. */
  readonly mayAct: boolean;
  /** When it was first seen here. */
  readonly since: string;
  /** Whether the look before did not know it. */
  readonly new: boolean;
}

/** A unit and why it is as it is. */
export interface UnitNotice {
  readonly unit: string;
  readonly because: string;
  readonly since: string;
  readonly new: boolean;
}

export interface Notices {
  readonly version: 1;
  readonly checked: string;
  /** The running system; null when it could not be told. */
  readonly system: string | null;
  /** The feed that all this rests on; null when none was ever accepted. */
  readonly feed: { readonly name: string; readonly version: number; readonly expires: string } | null;
  readonly coverage: { readonly packages: number; readonly known: number; readonly percent: number } | null;
  readonly affected: number;
  readonly unknown: number;
  /** The worst first. */
  readonly notices: readonly Notice[];
  /** Of the affected ones, how many more are worth a notice. */
  readonly more: number;
  /** Units that were stopped and are not started again. */
  readonly stopped: readonly UnitNotice[];
  /** Units that run what hosts may act on, and why they were left alone. */
  readonly kept: readonly UnitNotice[];
  /** What went wrong while looking; what is known may be old then. */
  readonly problems: readonly {
    readonly code: string;
    readonly message: string;
    readonly hint: string | null;
  }[];
}

export const noticeLimits = { notices: 100, units: 200, problems: 20, text: 300, bytes: 512 << 10 } as const;

const count: Check<number> = (value, path) => {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw wrong(path, "a whole number", value);
};
const flag: Check<boolean> = (value, path) => {
  if (typeof value === "boolean") return value;
  throw wrong(path, "true or false", value);
};
const short = text((value) => value.length <= 2 * noticeLimits.text, "a short text");
const moment = text(
  (value) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(value) && !Number.isNaN(Date.parse(value)),
  "a time, such as 2026-01-01T00:00:00Z",
);
const unit: Check<UnitNotice> = object({
  unit: unitNameCheck,
  because: short,
  since: moment,
  new: flag,
});

const shape: Check<Notices> = object({
  version: oneOf(1),
  checked: moment,
  system: nullable(short),
  feed: nullable(object({ name: short, version: count, expires: moment })),
  coverage: nullable(object({ packages: count, known: count, percent: count })),
  affected: count,
  unknown: count,
  notices: list(
    object<Notice>({
      advisory: short,
      package: short,
      version: short,
      severity: oneOf(...severities),
      message: short,
      hint: nullable(short),
      exploited: flag,
      mayAct: flag,
      since: moment,
      new: flag,
    }),
    noticeLimits.notices,
  ),
  more: count,
  stopped: list(unit, noticeLimits.units),
  kept: list(unit, noticeLimits.units),
  problems: list(object({ code: short, message: short, hint: nullable(short) }), noticeLimits.problems),
});

export function parseNotices(bytes: Uint8Array): Notices {
  let value: unknown;
  try {
    value = JSON.parse(utf8Text(bytes, "the notices"));
  } catch (cause) {
    throw new NixsealError("malformed", "the notices are not JSON", { cause });
  }
  return shape(value, "$");
}

export function formatNotices(notices: Notices): Uint8Array {
  return utf8(`${canonicalJson(notices as unknown as Json)}\n`);
}

/** Null when nothing ever watched here. A symlink in its place is not followed. */
export async function readNotices(
  files: Pick<Files, "read" | "statusOfLink">,
  file: string,
): Promise<Notices | null> {
  if ((await files.statusOfLink(file)) === null) return null;
  try {
    return parseNotices(await files.read(file, { limit: noticeLimits.bytes, follow: false }));
  } catch (error) {
    throw at(error, { file });
  }
}

/** RFC 3339 in UTC, to the second. */
export function timeText(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}
