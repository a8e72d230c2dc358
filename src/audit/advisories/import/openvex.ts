/** OpenVEX 0.2: what somebody who looked says about a product and a vulnerability. */
import type { Field } from "../../../nix/json-fields.ts";
import { fromNix32 } from "../../../nix/base32.ts";
import {
  advisoryLimits as limits,
  emptyAdvisory,
  everyVersion,
  exactly,
  type Advisory,
  type AffectedProduct,
  type VersionStatus,
} from "../advisory.ts";
import { advisoryId, document, items, prose, shortText, time } from "../fields.ts";
import { parsePurl } from "../purl.ts";

const statuses: Readonly<Record<string, VersionStatus>> = {
  not_affected: "unaffected",
  fixed: "unaffected",
  affected: "affected",
  under_investigation: "unknown",
};

/**
 * Statements as advisories, to be merged. Products are `pkg:nix/NAME@VERSION` or a store path; others are of other
 * systems and are left out.
 */
export function parseOpenVex(bytes: Uint8Array): Advisory[] {
  const top = document(bytes, "OpenVEX document", 64 << 20);
  const context = shortText(top.get("@context"), 256);
  if (!context.startsWith("https://openvex.dev/ns")) throw top.get("@context").wrong("OpenVEX");
  const said = time(top.get("timestamp"));
  const source = `vex:${shortText(top.get("@id"), 256)}`;
  return items(top.get("statements"), 100_000).map((statement) => {
    const vulnerability = statement.get("vulnerability");
    const aliases = vulnerability.isObject ? items(vulnerability.get("aliases"), limits.aliases) : [];
    return {
      ...emptyAdvisory,
      // 0.0 had the name alone.
      id: advisoryId(vulnerability.isObject ? vulnerability.get("name") : vulnerability),
      aliases: aliases.map(advisoryId),
      modified: statement.get("timestamp").isNull ? said : time(statement.get("timestamp")),
      affected: items(statement.get("products"), limits.products).flatMap((product) =>
        stated(statement, product, source),
      ),
    };
  });
}

function stated(statement: Field, product: Field, source: string): AffectedProduct[] {
  const word = shortText(statement.get("status"), 32);
  const status = Object.hasOwn(statuses, word) ? statuses[word] : undefined;
  if (status === undefined) throw statement.get("status").wrong("a status of OpenVEX");
  const reason = ["justification", "impact_statement", "status_notes", "action_statement"]
    .map((key) => statement.get(key))
    .find((field) => !field.isNull);
  const said = reason === undefined ? word : prose(reason, 200);
  const common = { vendor: "", target: "", reason: said, source };
  const id = shortText(product.isObject ? product.get("@id") : product, 1024);
  const path = /^\/nix\/store\/([0-9a-z]{32})-[^/]+$/.exec(id);
  if (path !== null && fromNix32(path[1]!) !== null)
    return [{ ...common, kind: "output", name: path[1]!, ranges: [everyVersion(status)] }];
  if (!id.startsWith("pkg:nix/")) return [];
  const { key, version } = parsePurl(id);
  const ranges = [version === null ? everyVersion(status, "nix") : exactly(version, status, "nix")];
  return [{ ...common, kind: "statement", name: key.slice("nix/".length), ranges }];
}
