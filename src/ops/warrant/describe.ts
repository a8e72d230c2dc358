/** A warrant for people: what a signer must see before signing, and anyone after. */
import type { ClosureChange, PackageChange } from "../../trust/warrant/changes.ts";
import { facts } from "../facts.ts";
import type { Paint } from "../op.ts";
import { oneLine } from "../one-line.ts";
import { signatureText, sizeText, subjectText, type SignatureView, type WarrantView } from "./view.ts";

export interface Since extends ClosureChange {
  readonly file: string;
  readonly seq: number;
}

/** More lines than this say less; `--json` has all of them. */
const mostLines = 200;

export function describeWarrant(
  warrant: WarrantView,
  state: string,
  signatures: readonly SignatureView[],
  since: Since | null,
  paint: Paint,
): string {
  const { seq, fleet, action, source, notBefore, expires } = warrant;
  const growth = since === null ? "" : ` (${sizeText(since.bytes, true)})`;
  const valid = `${notBefore} to ${expires}`;
  const rows: [string, string | string[]][] = [
    ["toplevel", warrant.toplevel],
    ["closure", `${warrant.paths} paths, ${sizeText(warrant.bytes)}${growth}`],
    ["source", source === null ? "not said" : oneLine(`${source.repo} ${source.commit}`)],
    ["valid", state === "valid" ? valid : `${valid} (${paint.bad(state)})`],
    ["follows", warrant.prev ?? "nothing: the first"],
    ["digest", warrant.digest],
    [
      "signed",
      signatures.length === 0
        ? paint.bad("by nobody")
        : signatures.map((one) =>
            oneLine(signatureText(one, { ...paint, good: (text) => text, bad: (text) => text })),
          ),
    ],
  ];
  return [
    paint.strong(`warrant ${seq} for ${subjectText(warrant)} of ${fleet}: ${action}`),
    facts(rows.map(([key, value]) => [`  ${key}`, value] as const)),
    "",
    ...changeLines(since, paint),
  ].join("\n");
}

function changeLines(since: Since | null, paint: Paint): string[] {
  if (since === null) return ["nothing before it to compare with"];
  const { added, removed, changed, rebuilt, altered } = since;
  const lines = [
    ...altered.map((path) => paint.bad(`! ${path}: the same path with another content`)),
    ...changed.map((one) => `~ ${one.name} ${versions(one.before)} → ${versions(one.after)}  ${growth(one)}`),
    ...added.map((one) => paint.good(`+ ${one.name} ${versions(one.after)}  ${growth(one)}`)),
    ...removed.map((one) => paint.bad(`- ${one.name} ${versions(one.before)}  ${growth(one)}`)),
    ...rebuilt.map((one) => paint.weak(`= ${one.name} ${versions(one.after)}, built anew  ${growth(one)}`)),
  ];
  if (lines.length === 0) return [`the same closure as warrant ${since.seq}`];
  const more = lines.length - mostLines;
  return [
    `since warrant ${since.seq}:`,
    ...lines.slice(0, mostLines).map((line) => `  ${line}`),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ];
}

function versions(of: readonly string[]): string {
  return of.map((version) => (version === "" ? "(no version)" : version)).join(", ");
}

function growth({ bytes }: PackageChange): string {
  return sizeText(bytes, true);
}
