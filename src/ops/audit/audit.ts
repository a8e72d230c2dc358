import { basename, resolve } from "node:path";
import * as z from "zod";
import { auditAreas, type AuditArea } from "../../audit/checks/check.ts";
import { utf8 } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import { exitCodes } from "../../core/exit.ts";
import { severities } from "../../core/finding.ts";
import { didYouMean } from "../../core/suggest.ts";
import * as rules from "../../inventory/field-rules.ts";
import { openSet } from "../advisories/open-set.ts";
import { indexFlag, stateFlag } from "../advisories/state.ts";
import { matching } from "../matching.ts";
import { op } from "../op.ts";
import { formats, plain, rendered } from "./formats.ts";
import { reportOn } from "./report-on.ts";
import { auditReport } from "./report-schema.ts";
import { auditRound } from "./round.ts";
import { roundExit, roundSchema, roundText } from "./round-view.ts";

export const audit = op({
  effect: "read",
  input: z.object({
    target: z
      .string()
      .default(".")
      .describe(
        "a directory, a file, a repository's address, a closure (store path, list, JSON, SBOM, database, cache), host:NAME",
      ),
    only: z
      .string()
      .optional()
      .meta({ value: "AREAS" })
      .describe(`a comma list of ${auditAreas.join(", ")} (default: all)`),
    format: z.enum(formats).default("text").describe("how the report is written"),
    failOn: z
      .enum(severities)
      .default("low")
      .meta({ value: "SEVERITY" })
      .describe("the least severity that makes the exit code 1"),
    out: z
      .string()
      .optional()
      .meta({ value: "FILE", short: "o" })
      .describe("write the report there and only its summary here"),
    all: z.boolean().default(false).describe("also vulnerabilities that were ruled out, with the reason"),
    evaluate: z
      .boolean()
      .default(false)
      .describe(
        "also let Nix evaluate the committed flake, in pure and restricted mode and without a network",
      ),
    toplevel: z
      .array(z.string())
      .default([])
      .meta({ value: "PATH" })
      .describe("what counts of a database or a binary cache: this path and all that it needs"),
    cache: z
      .string()
      .optional()
      .meta({ value: "CACHE" })
      .describe("the binary cache, a URL or a directory, that has the store path"),
    store: z
      .string()
      .optional()
      .meta({ value: "STORE" })
      .describe("where the store path is, as for nix --store (default: this machine's store)"),
    index: indexFlag,
    state: stateFlag,
    targets: z
      .string()
      .optional()
      .meta({ value: "FILE" })
      .describe(
        "audit all targets of this TOML file in place of one, and tell what is new since the last time",
      ),
    into: z
      .string()
      .optional()
      .meta({ value: "DIR" })
      .describe("with --targets: where reports, index page, feed and memory are kept"),
    maxAge: matching(rules.duration)
      .default("7d")
      .meta({ value: "DURATION" })
      .describe("with --targets: after how long a result is made anew though nothing changed"),
    waivers: z
      .string()
      .optional()
      .meta({ value: "FILE" })
      .describe("waivers for a closure (default: audit-waivers.toml of the fleet, or here)"),
  }),
  positional: ["target"],
  output: z.union([auditReport, roundSchema]),
  examples: [
    { command: "nixseal audit", says: "this directory; nothing is evaluated, run or fetched" },
    { command: "nixseal audit --format sarif --out audit.sarif --fail-on high", says: "in CI" },
    {
      command: "nixseal audit https://git.example.org/fleet.git --only secrets,trust",
      says: "a repository elsewhere",
    },
    { command: "nixseal audit ./result --fail-on high", says: "vulnerabilities of what was built" },
    { command: "nixseal audit host:lufta", says: "of what a host was ordered to run, without logging in" },
    { command: "nixseal audit --format html -o audit.html", says: "a page to read and print" },
    {
      command: "nixseal audit --targets targets.toml --into /var/lib/audits",
      says: "many targets, from a timer: an index page and a feed of what is new",
    },
  ],
  run: async (context, { target, only, format, failOn, out, all, toplevel, cache, store, ...rest }) => {
    if (rest.targets !== undefined) {
      if (target !== "." || only !== undefined || rest.into === undefined)
        throw new NixsealError("usage", "--targets goes with --into and without a target", {
          hint: "areas and severities are said for each target in the file",
        });
      const { targets: file, into, state } = rest;
      return auditRound(context, { file, into, state, maxAge: rules.seconds(rest.maxAge) });
    }
    const { waivers, evaluate } = rest;
    const request = { target, failOn, all, toplevel, cache, store, waivers, evaluate };
    const { report } = await reportOn(
      context,
      { ...request, only: chosenAreas(only), advisories: () => openSet(context, rest.index, rest.state) },
      target === "." ? basename(context.workingDirectory) : target,
    );
    if (out !== undefined)
      await context.files.writeAtomic(
        resolve(context.workingDirectory, out),
        utf8(rendered(report, format, plain)),
        { mode: 0o644 },
      );
    return report;
  },
  text: (report, paint, { format, out }) => {
    if ("targets" in report) return roundText(report, paint);
    if (out === undefined) return rendered(report, format, paint);
    const stale = report.vulnerabilities?.state === "stale" ? `; ${paint.bad("STALE advisories")}` : "";
    return `${report.findings.length} finding${report.findings.length === 1 ? "" : "s"}, ${report.failing} at or above ${report.failOn}${stale}; the report is in ${out}`;
  },
  // Too old comes first: whatever was found, more may be wrong.
  exit: (output) => {
    if ("targets" in output) return roundExit(output);
    if (output.vulnerabilities?.state === "stale") return exitCodes.stale;
    return output.failing > 0 ? exitCodes.findings : exitCodes.done;
  },
});

function chosenAreas(only: string | undefined): readonly AuditArea[] | null {
  if (only === undefined) return null;
  const words = only.split(",").map((word) => word.trim());
  const chosen = words.map((word) => {
    const area = auditAreas.find((known) => known === word);
    if (area !== undefined) return area;
    throw new NixsealError("usage", `--only: unknown area '${word}'`, {
      hint: didYouMean(word, auditAreas) ?? `one or more of ${auditAreas.join(", ")}, with commas between`,
    });
  });
  return [...new Set(chosen)];
}
