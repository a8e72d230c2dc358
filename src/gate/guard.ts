/** What keeps one order from being tried for ever, and a sender that lost its lease from going on. */
import { utf8, utf8Text } from "../core/bytes.ts";
import { canonicalJson } from "../core/canonical-json.ts";
import { NixsealError } from "../core/errors.ts";
import type { Files } from "../core/file-ports.ts";
import { Field } from "../nix/json-fields.ts";
import { readChecked, writeChecked } from "./checked-file.ts";
import type { GatePaths } from "./paths.ts";

export const outcomes = [
  /** it runs, and the next boot is into it */
  "active",
  /** it runs until the next boot */
  "tested",
  /** the next boot is into it */
  "next-boot",
  /** nothing was changed: it needs a boot of its own */
  "unchanged",
  /** the former system was activated again */
  "reverted",
  /** the machine started anew meanwhile, into the former system */
  "interrupted",
  /** neither the new nor the former system could be made to run: a person must look */
  "broken",
] as const;
export type Outcome = (typeof outcomes)[number];

export interface Attempt {
  /** `payloadDigest` of the warrant; null for one at the console. */
  readonly warrant: string | null;
  readonly count: number;
  /** Null while it is under way. */
  readonly outcome: Outcome | null;
}

export interface Guard {
  /** The highest that came with an accepted order, which moves it by a bounded step (`decideAttempt`). Whoever holds root may remove the file to begin anew. */
  readonly fence: number;
  readonly last: Attempt | null;
}

const nothing: Guard = { fence: 0, last: null };

export async function readGuard(files: Pick<Files, "read">, paths: Pick<GatePaths, "guard">): Promise<Guard> {
  return (await readChecked(files, paths.guard, 4096, parseGuard)) ?? nothing;
}

export async function writeGuard(
  files: Pick<Files, "writeAtomic">,
  paths: Pick<GatePaths, "guard">,
  { fence, last }: Guard,
): Promise<void> {
  await writeChecked(
    files,
    paths.guard,
    utf8(`${canonicalJson({ v: 1, fence, last: last === null ? null : { ...last } })}\n`),
  );
}

function parseGuard(body: Uint8Array): Guard {
  const top = Field.parse(utf8Text(body, "the guard"), "guard");
  if (top.get("v").value !== 1) throw top.get("v").wrong("1");
  const last = top.get("last");
  return { fence: top.get("fence").count(), last: last.isNull ? null : parseAttempt(last) };
}

function parseAttempt(field: Field): Attempt {
  const [warrant, outcome] = [field.get("warrant"), field.get("outcome")];
  return {
    warrant: warrant.isNull ? null : warrant.string(),
    count: field.get("count").count(),
    outcome: outcome.isNull ? null : parseOutcome(outcome),
  };
}

export function parseOutcome(field: Field): Outcome {
  const found = outcomes.find((one) => one === field.value);
  if (found === undefined)
    throw new NixsealError("malformed", `${field.name}: expected ${outcomes.join(", ")}`);
  return found;
}
