/** One look at the host: fetch the feed, match the running system, act where the policy says so, write down what there is. */
import { NixsealError } from "../core/errors.ts";
import { exitCodes, type ExitCode } from "../core/exit.ts";
import type { Http } from "../core/http-ports.ts";
import type { Files } from "../core/file-ports.ts";
import type { Clock, Processes } from "../core/ports.ts";
import { printable } from "../audit/printable.ts";
import type { WatchConfig } from "./config.ts";
import { fetchFeed, openFeed, type OpenedFeed } from "./feed.ts";
import { followPolicy, patching } from "./follow-policy.ts";
import { staleness } from "./freshness.ts";
import { layoutOf, runtimeDirectory, stateDirectory, type WatchLayout } from "./layout.ts";
import { matchSystem, type Matched } from "./match.ts";
import { hookText } from "./notices-text.ts";
import { formatNotices, noticeLimits, readNotices, timeText, type Notices } from "./notices.ts";
import { ownDirectory } from "./own-directory.ts";
import type { Patch } from "./patch.ts";
import { Troubles, type Problem } from "./troubles.ts";
import { selectNotices } from "./select.ts";

export interface WatchPorts {
  readonly files: Files;
  readonly processes: Pick<Processes, "run">;
  readonly clock: Clock;
  readonly http: Http;
  readonly say: (line: string) => void;
}

export interface WatchOptions {
  readonly config: WatchConfig;
  /** The empty string, or the prefix of every path. Nothing but the running system is ever stopped. */
  readonly root: string;
  readonly patch: Patch;
}

export interface Watched {
  readonly notices: Notices;
  readonly problems: readonly Problem[];
}

const fetching = "the feed";

/**
 * 0 nothing worth a notice, 1 something, 5 out of date, 4 the feed was refused, 3 something could not be stopped or started.
 * A feed that cannot be reached is none of these while what is here is good: then it is told, and tried again.
 */
export function exitOf({ notices, problems }: Watched, now: Date): ExitCode {
  const has = (code: NixsealError["code"]): boolean => problems.some((one) => one.code === code);
  if (has("refused")) return exitCodes.refused;
  if (staleness(notices, now) !== null) return exitCodes.stale;
  if (has("partial")) return exitCodes.partial;
  const soft = ({ part, code }: Problem): boolean =>
    part === patching || (part === fetching && (code === "io" || code === "timeout"));
  if (!problems.every(soft)) return exitCodes.usage;
  return notices.notices.length + notices.stopped.length > 0 ? exitCodes.findings : exitCodes.done;
}

/** Milliseconds that a second look waits for the first. */
const patience = 60_000;

export async function watch(ports: WatchPorts, options: WatchOptions): Promise<Watched> {
  const { files } = ports;
  const layout = layoutOf(options.root);
  await ownDirectory(files, options.root, runtimeDirectory);
  const lock = await files.lock(layout.lock, { wait: patience, purpose: "watching" });
  try {
    await ownDirectory(files, options.root, stateDirectory);
    return await look(ports, layout, options);
  } finally {
    await lock.release();
  }
}

async function look(ports: WatchPorts, layout: WatchLayout, options: WatchOptions): Promise<Watched> {
  const { files, clock } = ports;
  const { config, root } = options;
  const troubles = new Troubles();
  const before = await troubles.survive("the earlier notices", () => readNotices(files, layout.notices));
  await troubles.survive(fetching, () => fetchFeed(ports, config, root, layout.advisories, clock.now()));
  const feed = await troubles.survive("the advisories", () =>
    openFeed(files, layout.advisories, clock.now()),
  );
  const matched =
    feed === null ? null : await troubles.survive("the running system", () => matchSystem(ports, root, feed));

  const checked = timeText(feed?.now ?? clock.now());
  const acted =
    root === "" && matched !== null
      ? await troubles.survive("acting on what is critical", () =>
          followPolicy(ports, layout, options, { matched, before, checked }, troubles),
        )
      : null;
  const notices: Notices = {
    ...found(matched, config, before, checked),
    version: 1,
    checked,
    feed: feed === null ? null : feedOf(feed),
    stopped: (acted?.stopped ?? before?.stopped.map((one) => asKnown(one)) ?? []).slice(
      0,
      noticeLimits.units,
    ),
    kept: (acted?.kept ?? before?.kept.map((one) => asKnown(one)) ?? []).slice(0, noticeLimits.units),
    problems: troubles.list
      .slice(0, noticeLimits.problems)
      .map(({ code, message, hint }) => ({ code, message, hint })),
  };
  await files.writeAtomic(layout.notices, formatNotices(notices), { mode: 0o644 });
  await files.writeAtomic(layout.text, hookText(notices), { mode: 0o644 });
  return { notices, problems: troubles.list };
}

/** When the system could not be matched, what was known stays: silence would look like safety. */
function found(
  matched: Matched | null,
  { minimum }: WatchConfig,
  before: Notices | null,
  checked: string,
): Pick<Notices, "system" | "coverage" | "affected" | "unknown" | "notices" | "more"> {
  if (matched === null) {
    const { system, coverage, affected, unknown, notices, more } = before ?? nothingFound;
    return { system, coverage, affected, unknown, notices: notices.map((one) => asKnown(one)), more };
  }
  const { system, report } = matched;
  const { packages, known, percent } = report.coverage;
  const count = (verdict: string): number => report.findings.filter((one) => one.verdict === verdict).length;
  return {
    system,
    coverage: { packages, known, percent },
    affected: count("affected"),
    unknown: count("unknown"),
    ...selectNotices(report.findings, before?.notices ?? [], minimum, checked),
  };
}

function asKnown<T extends { readonly new: boolean }>(one: T): T {
  return { ...one, new: false };
}

const nothingFound = { system: null, coverage: null, affected: 0, unknown: 0, notices: [], more: 0 } as const;

function feedOf({ seen }: OpenedFeed): NonNullable<Notices["feed"]> {
  const { root, versions, expires } = seen;
  return {
    name: printable(root.feed),
    version: versions.snapshot?.version ?? 0,
    expires: timeText(expires!),
  };
}
