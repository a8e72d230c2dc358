/**
 * `database_specific.nixseal`: everything of an advisory that OSV has no place for, so that our own format loses
 * nothing. Files that people write need none of it but the team's fields.
 */
import { severities } from "../../core/finding.ts";
import type { Field } from "../../nix/json-fields.ts";
import {
  advisoryLimits as limits,
  productKinds,
  versionTypes,
  type Advisory,
  type AffectedProduct,
  type VersionRange,
} from "./advisory.ts";
import { items, optionalText, score, shortText, time } from "./fields.ts";
import { readTeamFields } from "./team-fields.ts";

type Exact = Pick<Advisory, "team"> &
  Partial<Pick<Advisory, "affected" | "score" | "rating" | "exploited" | "epss">>;

/** What is there; OSV's own fields say the rest. Throws `malformed`. */
export function readExactFields(field: Field): Exact {
  const epss = field.get("epss");
  if (!epss.isNull && !(typeof epss.value === "number" && epss.value >= 0 && epss.value <= 1))
    throw epss.wrong("a number from 0 to 1");
  return {
    team: readTeamFields(field),
    ...(field.has("affected")
      ? { affected: items(field.get("affected"), limits.products).map(product) }
      : {}),
    ...(field.has("score") ? { score: score(field.get("score")) } : {}),
    ...(field.has("rating") ? { rating: oneOf(field.get("rating"), severities) } : {}),
    ...(field.has("exploited") ? { exploited: time(field.get("exploited")).slice(0, 10) } : {}),
    ...(epss.isNull ? {} : { epss: epss.value as number }),
  };
}

/** The same as JSON. */
export function exactFields({
  affected,
  score: cvss,
  rating,
  exploited,
  epss,
  team,
}: Advisory): Record<string, unknown> {
  return {
    ...team,
    affected,
    ...(cvss === null ? {} : { score: cvss }),
    ...(rating === null ? {} : { rating }),
    ...(exploited === null ? {} : { exploited }),
    ...(epss === null ? {} : { epss }),
  };
}

function product(field: Field): AffectedProduct {
  return {
    kind: oneOf(field.get("kind"), productKinds),
    name: shortText(field.get("name"), limits.name),
    vendor: optionalText(field.get("vendor"), limits.name),
    target: optionalText(field.get("target"), limits.name),
    reason: optionalText(field.get("reason"), 256),
    source: optionalText(field.get("source"), 512),
    ranges: items(field.get("ranges"), limits.ranges).map(range),
  };
}

function range(field: Field): VersionRange {
  return {
    status: oneOf(field.get("status"), ["affected", "unaffected", "unknown"] as const),
    type: oneOf(field.get("type"), versionTypes),
    from: optionalText(field.get("from"), 1024) || null,
    fromExclusive: field.get("fromExclusive").value === true,
    to: optionalText(field.get("to"), 1024) || null,
    end: field.get("end").isNull
      ? "before"
      : oneOf(field.get("end"), ["before", "through", "prefix"] as const),
  };
}

function oneOf<T extends string>(field: Field, values: readonly T[]): T {
  const found = values.find((value) => value === field.value);
  if (found === undefined) throw field.wrong(values.join(", "));
  return found;
}
