import type { VulnerabilityAnswer } from "../report.ts";

/** What the vulnerabilities of a report are worth, in sentences for people; the first is the one that must not be missed. */
export function answerLines(answer: VulnerabilityAnswer): readonly string[] {
  const { state, subject, staleSince, feed, coverage, outOfRange, notListed } = answer;
  if (state === "nothing")
    return ["vulnerabilities: nothing here to hold against advisories; give a closure, or host:NAME"];
  if (state === "missing")
    return [
      "vulnerabilities were not looked for: there are no advisories here; 'nixseal advisories update' fetches them",
    ];
  const source = feed === null ? "" : `, by ${feed.name} ${feed.version}`;
  const worth =
    coverage === null
      ? "a lock says nothing about single packages"
      : `the advisories know ${coverage.known} of ${coverage.packages} packages (${coverage.percent} %), and ${coverage.others} paths have no version`;
  return [
    ...(state === "stale"
      ? [`STALE: the advisories are out of date since ${staleSince}; nothing here means clean`]
      : []),
    `vulnerabilities of ${subject}${source}: ${worth}`,
    ...(notListed === 0 ? [] : [`${notListed} more findings, none of them worse, are not listed`]),
    ...(outOfRange === 0 ? [] : [`${outOfRange} more are ruled out by the version`]),
  ];
}
