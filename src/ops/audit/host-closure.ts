/**
 * The closure of a host without logging in: what its last receipt says that it runs, or where the repository has no receipts what
 * the newest signed warrant orders it to run. The paths are those of a signed warrant in both cases.
 */
import { NixsealError } from "../../core/errors.ts";
import type { StoredPath } from "../../audit/packages/from-database.ts";
import { packagesOfStore } from "../../audit/packages/read.ts";
import { didYouMean } from "../../core/suggest.ts";
import { selectorPicks } from "../../inventory/selector-entry.ts";
import type { WarrantEnvelope } from "../../trust/warrant/envelope.ts";
import { keptWarrants, readKept, warrantFile } from "../../trust/warrant/store.ts";
import type { Subject } from "../../trust/warrant/model.ts";
import { judgeSignatures } from "../../trust/warrant/signatures.ts";
import { openFleet } from "../fleet-context.ts";
import type { Context } from "../op.ts";
import { newestReceipt, type KeptReceipt } from "../host-receipts.ts";
import { openTrustIfAny } from "../trust/open.ts";
import type { Closure } from "./closures.ts";

/** How many unsigned drafts may lie over the newest signed one. */
const mostDrafts = 32;
/** How far back what a host runs may have been ordered. */
const mostWarrants = 200;

/**
 * `not-found` for a host that the fleet does not have, or that was never ordered anything. A warrant without a signature
 * that the root accepts is no order, so it is passed over.
 */
export async function closureOfHost(context: Context, name: string): Promise<Closure> {
  const { directory, fleet } = await openFleet(context);
  const host = [...fleet.hosts.values()].find((one) => one.name === name);
  if (host === undefined)
    throw new NixsealError("not-found", `the fleet has no host '${name}'`, {
      hint: didYouMean(name, [...fleet.hosts.keys()]) ?? "'nixseal host list' lists them",
    });
  const trust = await openTrustIfAny(context, directory);
  const candidate = { name, labels: host.tags };
  const groups = [...(trust?.root.groups ?? [])].filter(([, entries]) => selectorPicks(entries, candidate));
  const subjects: Subject[] = [
    { kind: "host", name },
    ...groups.map(([group]): Subject => ({ kind: "group", name: group })),
  ];
  const isSigned = (envelope: WarrantEnvelope): boolean => {
    if (trust === null) return envelope.signatures.length > 0;
    const { root, krl } = trust;
    // Certificates live for hours: whether it was an order is asked for the time that it was given at.
    const policy = { root, revocations: krl, now: envelope.warrant.notBefore };
    const counted = judgeSignatures(envelope, candidate, policy).filter(({ accepted }) => accepted);
    return counted.length >= root.warrant.threshold;
  };
  const kept = await newestReceipt(context, directory, fleet.name ?? "", host);
  const receipt = kept?.receipt ?? null;
  const fits = (envelope: WarrantEnvelope): boolean =>
    (receipt === null || envelope.warrant.toplevel === receipt.running) && isSigned(envelope);
  let newest: WarrantEnvelope | null = null;
  for (const subject of subjects) {
    const found = await newestOf(
      context,
      directory,
      subject,
      fits,
      receipt === null ? mostDrafts : mostWarrants,
    );
    if (found !== null && (newest === null || found.warrant.notBefore > newest.warrant.notBefore))
      newest = found;
  }
  if (newest === null) throw nothingKnown(name, kept);
  const { warrant } = newest;
  const paths = warrant.paths.map(({ path }): StoredPath => ({
    path,
    deriver: path === warrant.toplevel ? warrant.drvPath : null,
  }));
  const file = warrantFile(warrant.subject, warrant.seq);
  const unjudged = trust === null ? " (there is no root, so nobody judged its signatures)" : "";
  const subject =
    receipt === null
      ? `what ${file} orders ${name} to run since ${warrant.notBefore.toISOString().slice(0, 10)}${unjudged}`
      : `what ${name} ran on ${receipt.ended.slice(0, 10)}, by its receipt and ${file}${unjudged}`;
  return { inventory: await packagesOfStore(context.files, paths), subject, leftOut: [] };
}

function nothingKnown(name: string, kept: KeptReceipt | null): NixsealError {
  const hint = "audit its closure by store path, path list or bill of materials";
  return kept === null
    ? new NixsealError("not-found", `no signed warrant for ${name} is in this repository`, { hint })
    : new NixsealError(
        "not-found",
        `${name} runs ${kept.receipt.running ?? "nothing that it can name"}, which no signed warrant here is about`,
        {
          hint,
          where: { file: kept.file },
        },
      );
}

async function newestOf(
  { files }: Pick<Context, "files">,
  directory: string,
  subject: Subject,
  fits: (envelope: WarrantEnvelope) => boolean,
  most: number,
): Promise<WarrantEnvelope | null> {
  const kept = await keptWarrants(files, directory, subject);
  for (const seq of kept.toReversed().slice(0, most)) {
    const envelope = await readKept(files, directory, subject, seq);
    if (fits(envelope)) return envelope;
  }
  return null;
}
