import * as z from "zod";
import type { AuditFinding } from "../../audit/report.ts";
import { limits } from "../../audit/limits.ts";
import { isDay, parseWaivers, waiversFileName } from "../../audit/waivers/waivers-file.ts";
import { utf8, utf8Text } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import { openSet } from "../advisories/open-set.ts";
import { indexFlag, stateFlag } from "../advisories/state.ts";
import { op, type Context } from "../op.ts";
import { reportOn } from "./report-on.ts";

const longest = 366 * 24 * 60 * 60 * 1000;

export const waive = op({
  effect: "write",
  input: z.object({
    finding: z.string().describe("the fingerprint in the report, or its first 8 digits or more"),
    until: z
      .string()
      .meta({ value: "DATE" })
      .describe("the last day on which it counts, at most a year away: 2027-01-31"),
    because: z.string().meta({ value: "TEXT" }).describe("why it is right to live with it"),
    owner: z
      .string()
      .optional()
      .meta({ value: "NAME" })
      .describe("who answers for it (default: the user's name)"),
    target: z
      .string()
      .default(".")
      .meta({ value: "TARGET" })
      .describe("what was audited: a directory, or a closure as 'nixseal audit' takes it"),
    index: indexFlag,
    state: stateFlag,
    waivers: z
      .string()
      .optional()
      .meta({ value: "FILE" })
      .describe("where it is written, for a closure (default: audit-waivers.toml of the fleet, or here)"),
  }),
  positional: ["finding"],
  output: z.object({
    finding: z.string(),
    check: z.string(),
    file: z.string(),
    owner: z.string(),
    until: z.string(),
    because: z.string(),
  }),
  examples: [
    {
      command:
        'nixseal waive 69721d01bc25df5d --until 2027-01-31 --because "console access only; see ticket 12"',
      says: "adds it to audit-waivers.toml",
    },
  ],
  run: async (context, { finding: given, until, because, owner: named, target, index, state, waivers }) => {
    const { files, clock } = context;
    const owner = oneLine("--owner", named ?? ownerOf(context));
    checkDay(until, clock.now());
    const request = { target, only: null, failOn: "info", all: false, waivers } as const;
    const advisories = () => openSet(context, index, state);
    const { report, waivers: file } = await reportOn(context, { ...request, advisories }, target);
    if (file === null)
      throw new NixsealError("usage", "the waivers of a repository stand in its top directory", {
        hint: "name a directory with --target",
      });
    const before =
      (await files.statusOfLink(file)) === null
        ? ""
        : utf8Text(await files.read(file, { limit: limits.waiversFile, follow: false }), waiversFileName);
    parseWaivers(utf8(before)); // nothing is added to a file that is wrong
    const found = only(report.findings, given);
    const waiver = {
      finding: found.fingerprint,
      check: found.id,
      file: found.file ?? (found.package === undefined ? "the target as a whole" : placeOf(found)),
      owner,
      until,
      because: oneLine("--because", because),
    };
    const entry = `[[waiver]]\n${Object.entries(waiver)
      .map(([key, value]) => `${key} = ${key === "until" ? value : JSON.stringify(value)}\n`)
      .join("")}`;
    const after = before.trim() === "" ? entry : `${before.trimEnd()}\n\n${entry}`;
    parseWaivers(utf8(after));
    await files.writeAtomic(file, utf8(after), { mode: 0o644 });
    return waiver;
  },
  text: ({ check, file, owner, until }) =>
    `${check} in ${file} is waived until ${until}; ${owner} answers for it (${waiversFileName})`,
});

function only(findings: readonly AuditFinding[], given: string): AuditFinding {
  if (!/^[0-9a-f]{8,16}$/.test(given))
    throw new NixsealError("usage", "not a fingerprint", { hint: "take the 16 hex digits from the report" });
  const [first, second] = findings.filter(
    ({ fingerprint, id }) => fingerprint.startsWith(given) && !id.startsWith("WVR"),
  );
  if (first === undefined)
    throw new NixsealError("not-found", `no finding ${given} in this target`, {
      hint: "'nixseal audit' lists them; a finding that is waived is not listed again",
    });
  if (second !== undefined)
    throw new NixsealError("usage", `more than one finding begins with ${given}`, {
      hint: "give more digits",
    });
  return first;
}

/** A package, for those who read the waiver. */
function placeOf({ package: name, version }: AuditFinding): string {
  return `${name} ${version}`;
}

function checkDay(until: string, now: Date): void {
  if (!isDay(until)) throw new NixsealError("usage", "--until is no day", { hint: "write it as 2027-01-31" });
  const distance = new Date(`${until}T23:59:59Z`).getTime() - now.getTime();
  if (distance < 0) throw new NixsealError("usage", "--until is in the past");
  if (distance > longest)
    throw new NixsealError("usage", "--until is more than a year away", { hint: "decide again in a year" });
}

/** TOML holds no control characters in a line, and a report should not. */
function oneLine(flag: string, text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are exactly what this is about
  if (text.trim() === "" || text.length > 1000 || /[\u0000-\u001f\u007f-\u009f]/.test(text))
    throw new NixsealError("usage", `${flag} is one line of text`);
  return text.toWellFormed();
}

function ownerOf({ environment }: Pick<Context, "environment">): string {
  const name = environment.get("USER") ?? environment.get("LOGNAME");
  if (name === undefined || name === "")
    throw new NixsealError("usage", "nobody is known who answers for it", { hint: "give --owner NAME" });
  return name;
}
