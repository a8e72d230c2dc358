/** When the person at the desktop is told, and what. Pure; the words are those of the Desktop Notifications Specification 1.2. */
import { printable } from "../audit/printable.ts";
import { staleness } from "./freshness.ts";
import type { Notices } from "./notices.ts";
import { keyOf } from "./select.ts";

/** What was shown last, in this session. */
export interface Shown {
  /** The daemon's unique name on the bus: its numbers mean nothing to the one that comes after it. */
  readonly daemon: string;
  readonly id: number;
  readonly keys: readonly string[];
}

export interface Notification {
  readonly summary: string;
  /** Plain lines. */
  readonly body: readonly string[];
  /** 1 normal, 2 critical: stays until it is closed. */
  readonly urgency: 1 | 2;
}

const most = 5;

/** Everything that is worth a word, with what makes it the same next time. */
function matters(notices: Notices, now: Date): { key: string; line: string; urgent: boolean }[] {
  const stale = staleness(notices, now);
  const refused = notices.problems.filter(({ code }) => code === "refused");
  return [
    ...notices.stopped.map(({ unit }) => ({
      key: `stopped ${unit}`,
      line: `stopped: ${printable(unit)}`,
      urgent: true,
    })),
    ...notices.notices.map((notice) => ({
      key: keyOf(notice),
      line: `${notice.severity}: ${printable(notice.message, 120)}`,
      urgent: notice.severity === "critical" || notice.exploited || notice.mayAct,
    })),
    ...refused.map(({ message }) => ({ key: "refused", line: printable(message, 120), urgent: true })),
    ...(stale === null ? [] : [{ key: "stale", line: `STALE: ${stale}`, urgent: false }]),
  ];
}

export function keysOf(notices: Notices, now: Date): string[] {
  return [...new Set(matters(notices, now).map(({ key }) => key))];
}

/** Null when there is nothing that was not shown before. */
export function notificationOf(notices: Notices, now: Date, shown: readonly string[]): Notification | null {
  const all = matters(notices, now);
  const known = new Set(shown);
  const fresh = all.filter(({ key }) => !known.has(key));
  if (fresh.length === 0) return null;
  const total = notices.notices.length + notices.more;
  const rest = all.length + notices.more - Math.min(all.length, most);
  return {
    summary:
      total === 0
        ? "Security of this machine"
        : `${total} known ${total === 1 ? "vulnerability" : "vulnerabilities"} on this machine`,
    // The new ones first: that is what it is shown for.
    body: [
      ...[...fresh, ...all.filter(({ key }) => known.has(key))].slice(0, most).map(({ line }) => line),
      ...(rest > 0 ? [`and ${rest} more`] : []),
      "nixseal notices",
    ],
    urgency: fresh.some(({ urgent }) => urgent) ? 2 : 1,
  };
}
