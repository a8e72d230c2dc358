/** One audit from the name of its target to its report: what `audit`, `waive` and audits of many targets share. */
import { join, resolve } from "node:path";
import { auditAreas, isArea, type AuditArea } from "../../audit/checks/check.ts";
import { limits } from "../../audit/limits.ts";
import { fails, noFiles, type Found, type Report } from "../../audit/report.ts";
import { auditPackages, auditTarget } from "../../audit/run.ts";
import type { EvaluatedHost } from "../../audit/evaluation/evaluate-hosts.ts";
import { gitTarget } from "../../audit/target/git-target.ts";
import { nixpkgsOfLock } from "../../audit/packages/from-lock.ts";
import type { Target, TargetEntry } from "../../audit/target/target.ts";
import {
  closureVulnerabilities,
  lockVulnerabilities,
  noAnswer,
  type Advisories,
  type Vulnerabilities,
} from "../../audit/vulnerabilities.ts";
import { waiversFileName } from "../../audit/waivers/waivers-file.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Severity } from "../../core/finding.ts";
import { findFleet } from "../fleet-context.ts";
import type { Context } from "../op.ts";
import { localStore } from "../warrant/nix-store.ts";
import type { Closure } from "./closures.ts";
import { openSubject, type Subject, type WhereItLies } from "./subject.ts";

export interface AuditRequest extends WhereItLies {
  readonly target: string;
  /** Null for everything that can be looked at. */
  readonly only: readonly AuditArea[] | null;
  readonly failOn: Severity;
  /** Also what was ruled out. */
  readonly all: boolean;
  /** Asked when there is something to hold against them; `not-found` when there are none. */
  readonly advisories: () => Promise<Advisories>;
  /** Whether Nix may evaluate the configurations of a flake. */
  readonly evaluate?: boolean;
  /** A file of waivers for closures; files bring their own. */
  readonly waivers?: string | undefined;
}

export interface Audited {
  readonly report: Report;
  /** Where the waivers of the target lie; null for files that have none beside them. */
  readonly waivers: string | null;
}

/** `shown` is how the report calls the target. */
export async function reportOn(context: Context, request: AuditRequest, shown: string): Promise<Audited> {
  const subject = await openSubject(context, request.target, request);
  try {
    const found = await foundIn(context, subject, request);
    const failing = found.findings.filter((finding) => fails(finding, request.failOn)).length;
    const at = context.clock.now().toISOString();
    const report = { target: shown, at, ...found, failOn: request.failOn, failing };
    return { report, waivers: await waiversFileOf(context, subject, request.waivers) };
  } finally {
    if (subject.kind === "files") await subject.target.close();
  }
}

function foundIn(context: Context, subject: Subject, request: AuditRequest): Promise<Found> {
  return subject.kind === "closure"
    ? inClosure(context, subject, request)
    : inFiles(context, subject, request);
}

async function inClosure(context: Context, closure: Closure, request: AuditRequest): Promise<Found> {
  if (request.only?.includes("vulnerabilities") === false)
    throw new NixsealError(
      "usage",
      "a closure has no files, so vulnerabilities are all that can be looked for",
      {
        hint: "leave out --only, or name a directory",
      },
    );
  const advisories = await request.advisories();
  const { inventory, subject, leftOut } = closure;
  const vulnerabilities = closureVulnerabilities(inventory, subject, advisories, { all: request.all });
  const found = auditPackages(vulnerabilities, await waiversFor(context, request), context.clock.now());
  const coverage = { ...noFiles, leftOut: leftOut.slice(0, 100), leftOutCount: leftOut.length };
  return { ...found, coverage };
}

async function inFiles(
  context: Context,
  { target, directory }: Subject & { kind: "files" },
  request: AuditRequest,
): Promise<Found> {
  const only = request.only ?? auditAreas;
  const total = target.entries.length;
  return auditTarget(target, {
    only,
    now: context.clock.now(),
    progress: (done) => context.emit({ type: "progress", task: "audit", done, total, unit: "files" }),
    vulnerabilities: only.includes("vulnerabilities") ? await ofLock(target, request) : null,
    evaluate: request.evaluate === true ? await evaluator(context, target, directory, request) : null,
  });
}

/**
 * Nix is given the commit, out of a bare clone of ours: a plain directory it would copy into the store, which everybody on this
 * machine can read, with all that git ignores.
 */
async function evaluator(
  context: Context,
  target: Target,
  directory: string | null,
  { store }: AuditRequest,
): Promise<(options: readonly string[]) => Promise<EvaluatedHost[]>> {
  const { evaluateHosts } = await import("../../audit/evaluation/evaluate-hosts.ts");
  const work = (repository: string, options: readonly string[]): Promise<EvaluatedHost[]> =>
    evaluateHosts(context, repository, localStore(context, store), options, (done, total) =>
      context.emit({ type: "progress", task: "evaluation", done, total, unit: "hosts" }),
    );
  if (!target.entries.some(({ path }) => path === "flake.nix"))
    throw new NixsealError("usage", "there is no flake.nix to evaluate", { hint: "leave out --evaluate" });
  const { repository } = target;
  if (repository !== null) return (options) => work(repository, options);
  if (directory === null || (await context.files.statusOfLink(join(directory, ".git"))) === null)
    throw new NixsealError("usage", "only what git has committed is evaluated, and this is no repository", {
      hint: "leave out --evaluate, or name the repository",
    });
  return async (options) => {
    const clone = await gitTarget(context, `file://${encodeURI(directory)}`);
    try {
      return await work(clone.repository!, options);
    } finally {
      await clone.close();
    }
  };
}

/** The flake.lock at the top is all of a repository that advisories can be held against. */
async function ofLock(target: Target, request: AuditRequest): Promise<Vulnerabilities> {
  const entry = target.entries.find(({ path, kind }) => path === "flake.lock" && kind === "file");
  if (entry !== undefined && request.only?.some(isArea) === false) await readableLock(target, entry);
  const bytes = entry === undefined || entry.size > limits.file ? null : await target.read(entry);
  const advisories = bytes === null ? null : await advisoriesIfAny(request);
  if (bytes === null) return { findings: [], answer: noAnswer("nothing") };
  if (advisories === null) return { findings: [], answer: noAnswer("missing") };
  return (
    lockVulnerabilities("flake.lock", bytes, advisories, request.all) ?? {
      findings: [],
      answer: noAnswer("nothing"),
    }
  );
}

/** Where checks look at files, a lock that cannot be read is a finding of theirs; where nothing else is asked, an error. */
async function readableLock(target: Target, entry: TargetEntry): Promise<void> {
  nixpkgsOfLock(await target.read(entry));
}

/** Whoever asks for vulnerabilities by name wants an error where there are no advisories; else the report says so. */
async function advisoriesIfAny({ only, advisories }: AuditRequest): Promise<Advisories | null> {
  try {
    return await advisories();
  } catch (error) {
    const none = error instanceof NixsealError && error.code === "not-found" && error.where === undefined;
    if (none && only?.includes("vulnerabilities") !== true) return null;
    throw error;
  }
}

/** A closure itself brings none. A file that was named must be there. */
export async function waiversFor(
  context: Context,
  { waivers }: Pick<AuditRequest, "waivers">,
): Promise<Uint8Array | null> {
  const { files } = context;
  const file = await closureWaivers(context, waivers);
  if (waivers === undefined && (await files.statusOfLink(file)) === null) return null;
  return files.read(file, { limit: limits.waiversFile, follow: waivers !== undefined });
}

async function waiversFileOf(
  context: Context,
  subject: Subject,
  named: string | undefined,
): Promise<string | null> {
  if (subject.kind === "closure") return closureWaivers(context, named);
  return subject.directory === null ? null : join(subject.directory, waiversFileName);
}

/** `--waivers`, else the file of the fleet that one stands in, else the one in this directory. */
async function closureWaivers(context: Context, named: string | undefined): Promise<string> {
  if (named !== undefined) return resolve(context.workingDirectory, named);
  try {
    return join(await findFleet(context), waiversFileName);
  } catch (error) {
    if (error instanceof NixsealError && error.code === "not-found" && context.fleet === undefined)
      return join(context.workingDirectory, waiversFileName);
    throw error;
  }
}
