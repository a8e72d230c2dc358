import { htmlPage } from "../reporters/html-page.ts";
import { escaped } from "../reporters/markup.ts";
import { worst } from "./changes.ts";
import type { Change, KnownTarget, Memory } from "./memory.ts";

/** How many entries of the feed the page shows. */
const mostChanges = 30;

/** All targets at a glance, the worst first, with links to their reports. */
export function indexPage({ targets, changes }: Memory, now: string): string {
  const rows = [...targets].sort((a, b) => weight(b) - weight(a) || (a.name < b.name ? -1 : 1)).map(row);
  const failed = targets.filter(({ error }) => error !== null).length;
  const failing = targets.filter((target) => target.failing > 0).length;
  const stale = targets.some((target) => target.stale);
  const feed = `<link rel="alternate" type="application/feed+json" title="changes" href="feed.json">\n`;
  const counted = `${targets.length} targets, ${failing} with findings${failed === 0 ? "" : `, ${failed} that could not be audited`}`;
  const body = [
    "<h1>Audits</h1>",
    `<p class="weak">${time(now)} · ${counted} · <a href="feed.json">feed of changes</a></p>`,
    stale
      ? `<p class="stale">Advisories are out of date: where they were used, nothing means clean.</p>`
      : "",
    `<section class="package"><table><tbody>\n${rows.join("\n")}\n</tbody></table></section>`,
    changes.length === 0 ? "" : `<h2 class="plain">What changed</h2>`,
    ...changes.slice(0, mostChanges).map(entry),
  ];
  const title = `Audits: ${failing} of ${targets.length} with findings`;
  return htmlPage(title, feed, body.filter((part) => part !== "").join("\n"));
}

function row(target: KnownTarget): string {
  const { name, at, failing, findings, error, stale } = target;
  const affected = findings.filter(({ verdict }) => verdict === "affected");
  const unknown = findings.length - affected.length;
  const kind = affected.length === 0 ? (error === null && !stale ? "fine" : "unknown") : worst(affected);
  const said = affected.length === 0 ? (error === null ? (stale ? "stale" : "clean") : "unknown") : kind;
  // Before the first audit there is no report to link to.
  const link = at === "" ? escaped(name) : `<a href="${encodeURIComponent(name)}.html">${escaped(name)}</a>`;
  const counts = `${affected.length} finding${affected.length === 1 ? "" : "s"}, ${failing} that count${unknown === 0 ? "" : `, ${unknown} unknown`}`;
  return `<tr class="${kind}"><td><span class="tag">${said}</span></td><td><b>${link}</b><small>${escaped(target.target)}</small></td><td>${
    error === null ? escaped(counts) : `could not be audited: ${escaped(error, 600)}`
  }<small>${at === "" ? "never audited" : `audited ${time(at)}`}</small></td></tr>`;
}

function entry({ at, title, text, severity }: Change): string {
  const lines =
    text === ""
      ? ""
      : `<p>${text
          .split("\n")
          .slice(0, 12)
          .map((line) => escaped(line, 600))
          .join("<br>")}</p>`;
  return `<article class="${severity}"><header><h3>${escaped(title)}</h3><span class="place">${time(at)}</span></header>${lines}</article>`;
}

function weight({ findings, error, stale }: KnownTarget): number {
  const affected = findings.filter(({ verdict }) => verdict === "affected");
  const order = ["info", "low", "medium", "high", "critical"].indexOf(worst(affected));
  return (affected.length === 0 ? 0 : 10 + order) + (error === null ? 0 : 5) + (stale ? 2 : 0);
}

function time(text: string): string {
  return `${escaped(text.slice(0, 16).replace("T", " "))} UTC`;
}
