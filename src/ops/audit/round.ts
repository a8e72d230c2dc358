/** Many targets one after another in the background: a few at a time, and what has not changed is not audited again. */
import { resolve } from "node:path";
import {
  noMemory,
  formatMemory,
  memoryLimits,
  parseMemory,
  type KnownTarget,
  type Memory,
} from "../../audit/round/memory.ts";
import { jsonFeed } from "../../audit/round/feed.ts";
import { indexPage } from "../../audit/round/index-page.ts";
import { parseTargetsFile, targetsFileLimit, type RoundTarget } from "../../audit/round/targets-file.ts";
import { htmlReport } from "../../audit/reporters/html.ts";
import { jsonReport } from "../../audit/reporters/json.ts";
import type { Advisories } from "../../audit/vulnerabilities.ts";
import { utf8 } from "../../core/bytes.ts";
import { NixsealError, at } from "../../core/errors.ts";
import { openSet } from "../advisories/open-set.ts";
import type { Context } from "../op.ts";
import { reportOn } from "./report-on.ts";
import { roundKey } from "./round-key.ts";
import { audited, failed, unchanged, type Outcome } from "./round-outcome.ts";
import type { Round } from "./round-view.ts";

/** At a time: an audit is bound by one core and by the network in turn. */
const atOnce = 4;
/** Milliseconds that a round waits for the one before it. */
const patience = 10_000;

export interface RoundRequest {
  readonly file: string;
  readonly into: string;
  readonly state: string | undefined;
  /** Seconds after which a result is made anew though nothing changed. */
  readonly maxAge: number;
}

export async function auditRound(
  context: Context,
  { file, into, state, maxAge }: RoundRequest,
): Promise<Round> {
  const { files, workingDirectory } = context;
  const path = resolve(workingDirectory, file);
  const { targets, address } = parseTargetsFile(await files.read(path, { limit: targetsFileLimit }), file);
  const directory = resolve(workingDirectory, into);
  await files.makeDirectory(directory, { mode: 0o755, parents: true });
  const lock = await files.lock(`${directory}/.lock`, { wait: patience, purpose: "auditing many targets" });
  try {
    const before = await remembered(context, directory);
    const round = new OneRound(context, directory, before, { state, maxAge });
    const results = await inParallel(
      targets,
      (target) => round.audit(target),
      (done) =>
        context.emit({ type: "progress", task: "audits", done, total: targets.length, unit: "targets" }),
    );
    const memory: Memory = {
      targets: results.map(({ known }) => known),
      changes: [...results.flatMap(({ change }) => change ?? []), ...before.changes].slice(
        0,
        memoryLimits.changes,
      ),
    };
    const now = context.clock.now().toISOString();
    await write(context, directory, "index.html", indexPage(memory, now));
    await write(context, directory, "feed.json", jsonFeed(memory.changes, address));
    // Last: when the machine stops before, the next round finds the same changes again.
    await files.writeAtomic(`${directory}/state.json`, formatMemory(memory), { mode: 0o644 });
    await removeOthers(context, directory, before, memory);
    return { into, at: now, targets: results.map(({ result }) => result) };
  } finally {
    await lock.release();
  }
}

class OneRound {
  readonly #context: Context;
  readonly #directory: string;
  readonly #before: ReadonlyMap<string, KnownTarget>;
  readonly #given: Pick<RoundRequest, "state" | "maxAge">;
  #advisories: Promise<Advisories> | null = null;

  constructor(
    context: Context,
    directory: string,
    before: Memory,
    given: Pick<RoundRequest, "state" | "maxAge">,
  ) {
    this.#context = context;
    this.#directory = directory;
    this.#before = new Map(before.targets.map((target) => [target.name, target]));
    this.#given = given;
  }

  /** Whatever is wrong with one target is its own result: the others go on. */
  async audit(target: RoundTarget): Promise<Outcome> {
    const remembered_ = this.#before.get(target.name) ?? null;
    // A name that is given to another target begins anew.
    const before = remembered_?.target === target.target ? remembered_ : null;
    const now = this.#context.clock.now().toISOString();
    try {
      const key = await roundKey(this.#context, target, this.#given.state);
      const isSame =
        before !== null && before.error === null && key !== "" && before.key === key && now < before.until;
      return isSame ? unchanged(target, before) : await this.#anew(target, before, key, now);
    } catch (error) {
      if (!(error instanceof NixsealError)) throw error;
      return failed(target, before, error, now);
    }
  }

  async #anew(target: RoundTarget, before: KnownTarget | null, key: string, now: string): Promise<Outcome> {
    const { name } = target;
    const request = {
      target: target.target,
      only: target.only,
      failOn: target.failOn,
      all: false,
      toplevel: target.toplevel,
      cache: target.cache ?? undefined,
      advisories: () => (this.#advisories ??= openSet(this.#context, [], this.#given.state)),
    };
    const { report } = await reportOn({ ...this.#context, emit: () => undefined }, request, target.target);
    await write(this.#context, this.#directory, `${name}.json`, jsonReport(report));
    await write(this.#context, this.#directory, `${name}.html`, htmlReport(report));
    return audited(target, before, report, key, now, this.#given.maxAge);
  }
}

async function remembered({ files }: Context, directory: string): Promise<Memory> {
  const file = `${directory}/state.json`;
  if ((await files.statusOfLink(file)) === null) return noMemory;
  try {
    return parseMemory(await files.read(file, { limit: memoryLimits.bytes, follow: false }));
  } catch (cause) {
    const error = at(cause, { file });
    if (!(error instanceof NixsealError)) throw error;
    throw new NixsealError(error.code, error.message, {
      where: error.where,
      hint: "remove it to begin anew: everything that is found is then new",
      cause,
    });
  }
}

/** Reports of targets that are not in the file any more would be taken for theirs for ever. */
async function removeOthers(
  { files }: Context,
  directory: string,
  before: Memory,
  after: Memory,
): Promise<void> {
  const names = new Set(after.targets.map(({ name }) => name));
  for (const { name } of before.targets)
    if (!names.has(name))
      for (const ending of ["json", "html"]) {
        const file = `${directory}/${name}.${ending}`;
        if ((await files.statusOfLink(file)) !== null) await files.remove(file);
      }
}

function write({ files }: Context, directory: string, name: string, text: string): Promise<void> {
  return files.writeAtomic(`${directory}/${name}`, utf8(text), { mode: 0o644 });
}

/** The results in the order of what was given. */
async function inParallel<Of, Result>(
  all: readonly Of[],
  work: (one: Of) => Promise<Result>,
  progress: (done: number) => void,
): Promise<Result[]> {
  const results: Result[] = [];
  let [next, done] = [0, 0];
  const worker = async (): Promise<void> => {
    while (next < all.length) {
      const place = next++;
      results[place] = await work(all[place]!);
      progress(++done);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, all.length) }, worker));
  return results;
}
