/** CISA's catalogue of vulnerabilities that are exploited: which, and since when it is listed. */
import { emptyAdvisory, advisoryLimits as limits, type Advisory } from "../advisory.ts";
import { advisoryId, document, items, prose, time } from "../fields.ts";

/** Advisories that say no more than this; they are merged with what others say. */
export function parseKev(bytes: Uint8Array): Advisory[] {
  const top = document(bytes, "KEV catalogue", 64 << 20);
  if (!top.has("catalogVersion")) throw top.wrong("a KEV catalogue");
  return items(top.get("vulnerabilities"), 100_000).map((item) => ({
    ...emptyAdvisory,
    id: advisoryId(item.get("cveID")),
    summary: prose(item.get("vulnerabilityName"), limits.summary),
    exploited: time(item.get("dateAdded")).slice(0, 10),
  }));
}
