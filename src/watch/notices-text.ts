/** Notices as lines for a terminal. What is shown comes from a feed: nothing of it reaches the terminal as it is. */
import { utf8 } from "../core/bytes.ts";
import { printable } from "../audit/printable.ts";
import { goodUntil, staleness } from "./freshness.ts";
import type { Notice, Notices } from "./notices.ts";

export function noticesText(notices: Notices, now: Date): string[] {
  return [...headline(notices), ...details(notices, now)];
}

/** What was not there before this look, and what went wrong: for the journal, which has the rest already. */
export function newsText(notices: Notices, now: Date): string[] {
  const isNew = (one: { readonly new: boolean }): boolean => one.new;
  const news = {
    notices: notices.notices.filter(isNew),
    more: 0,
    stopped: notices.stopped.filter(isNew),
    kept: notices.kept.filter(isNew),
  };
  return [...headline(notices), ...details({ ...notices, ...news }, now)];
}

function details(notices: Notices, now: Date): string[] {
  const { checked, coverage, problems } = notices;
  const worth =
    coverage === null
      ? ""
      : `; the advisories know ${coverage.known} of ${coverage.packages} packages (${coverage.percent} %)`;
  return [
    ...notices.notices.flatMap((notice) => [
      `  ${noticeLine(notice)}${notice.new ? " (new)" : ""}`,
      ...(notice.hint === null ? [] : [`      ${printable(notice.hint)}`]),
    ]),
    ...(notices.more === 0 ? [] : [`  and ${notices.more} more`]),
    ...notices.stopped.map(({ unit, because }) => `  stopped: ${printable(unit)} ${printable(because, 500)}`),
    ...notices.kept.map(({ unit, because }) => `  runs on: ${printable(unit)} ${printable(because, 500)}`),
    ...problems.flatMap(({ message, hint }) => [
      `  problem: ${printable(message)}`,
      ...(hint === null ? [] : [`      ${printable(hint)}`]),
    ]),
    ...staleLine(notices, now),
    `checked ${checked}${worth}`,
  ];
}

/** Lines that a shell prints when it starts. */
const hookLines = 6;

/**
 * What the hooks print. The first line is for them: until when (seconds since 1970) the rest may be taken for all there is.
 * Nothing but printable text follows, since a shell prints it as it is.
 */
export function hookText(notices: Notices): Uint8Array {
  const until = goodUntil(notices);
  const seconds = until === null ? 0 : Math.floor(until.getTime() / 1000);
  const head = headline(notices);
  const worst = notices.notices.slice(0, hookLines - 3).map((notice) => `  ${noticeLine(notice)}`);
  const stopped = notices.stopped.slice(0, 2).map(({ unit }) => `  stopped: ${printable(unit)}`);
  const troubles = notices.problems.slice(0, 1).map(({ message }) => `  problem: ${printable(message, 120)}`);
  const lines = [...head, ...worst, ...stopped, ...troubles];
  const all = lines.length === 0 ? [] : [...lines.slice(0, hookLines), "  more: nixseal notices"];
  return utf8([`nixseal-notices 1 ${seconds}`, ...all, ""].join("\n"));
}

function headline({ notices, more, stopped }: Notices): string[] {
  const total = notices.length + more;
  const urgent = notices.filter(({ severity, mayAct }) => severity === "critical" || mayAct).length;
  const parts = [
    ...(total === 0 ? [] : [`${total} known ${total === 1 ? "vulnerability" : "vulnerabilities"}`]),
    ...(urgent === 0 ? [] : [`${urgent} critical`]),
    ...(stopped.length === 0 ? [] : [`${stopped.length} ${stopped.length === 1 ? "unit" : "units"} stopped`]),
  ];
  return parts.length === 0 ? [] : [`nixseal: ${parts.join(", ")}`];
}

function noticeLine({ severity, message, advisory, exploited }: Notice): string {
  const used = exploited ? ", exploited" : "";
  return `${severity}${used}: ${printable(message, 160)} [${printable(advisory, 60)}]`;
}

function staleLine(notices: Notices, now: Date): string[] {
  const stale = staleness(notices, now);
  return stale === null ? [] : [`STALE: ${stale}; nothing here means that all is well`];
}
