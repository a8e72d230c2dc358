/** Signatures that the orders of a deployment still lack. */
import { join } from "node:path";
import { NixsealError } from "../../core/errors.ts";
import { thresholdFor } from "../../trust/warrant/decide.ts";
import { formatWarrantEnvelope, type WarrantEnvelope } from "../../trust/warrant/envelope.ts";
import { SharedPaths } from "../../trust/warrant/shared-paths.ts";
import { judgeSignatures } from "../../trust/warrant/signatures.ts";
import type { OpenFleet } from "../fleet-context.ts";
import type { Context } from "../op.ts";
import type { OpenTrust } from "../trust/open.ts";
import { addSignatures, type SignerChoice } from "../warrant/add-signature.ts";
import { hostsOf } from "../warrant/hosts.ts";

export interface OrderFile {
  readonly envelope: WarrantEnvelope;
  /** Below the fleet's directory. */
  readonly file: string;
}

export interface Counted {
  readonly principals: readonly string[];
  readonly threshold: number;
}

/** Who has signed it so that it counts, of how many that must. */
export function countSignatures(
  { fleet }: OpenFleet,
  { root, krl, now }: OpenTrust,
  { envelope }: OrderFile,
): Counted {
  const hosts = hostsOf(fleet, root, envelope.warrant.subject);
  const perHost = hosts.map((host) => ({
    principals: judgeSignatures(envelope, host, { root, revocations: krl, now }).flatMap((one) =>
      one.accepted ? [one.principal] : [],
    ),
    threshold: thresholdFor(root, host),
  }));
  // A group's order must hold on every host of it.
  return perHost.reduce((worst, one) =>
    one.principals.length - one.threshold < worst.principals.length - worst.threshold ? one : worst,
  );
}

/**
 * Adds the caller's signature where one is missing and theirs is not there yet, and writes the files. `refused` when more
 * members must sign than that. Under the fleet's lock.
 */
export async function signOrders(
  context: Context,
  open: OpenFleet,
  trust: OpenTrust,
  orders: readonly OrderFile[],
  choice: SignerChoice,
): Promise<OrderFile[]> {
  const counts = orders.map((order) => countSignatures(open, trust, order));
  const short = orders.filter((_, index) => isShort(counts[index]!));
  const added = await withOwn(context, open, trust, short, choice);
  const lacking = [...added.values()].flatMap((order) => {
    const count = countSignatures(open, trust, order);
    return isShort(count) ? [`${order.file} (${count.principals.length} of ${count.threshold})`] : [];
  });
  if (lacking.length === 0) return orders.map((order) => added.get(order) ?? order);
  throw new NixsealError(
    "refused",
    `more members must sign: ${lacking.slice(0, 5).join(", ")}${lacking.length > 5 ? ", …" : ""}`,
    {
      hint: "commit the warrants; each of the others runs 'nixseal warrant sign FILE', then apply again",
    },
  );
}

function isShort({ principals, threshold }: Counted): boolean {
  return principals.length < threshold;
}

/** What this member has signed before is for the others. */
async function withOwn(
  context: Context,
  { directory, fleet }: OpenFleet,
  trust: OpenTrust,
  orders: readonly OrderFile[],
  choice: SignerChoice,
): Promise<Map<OrderFile, OrderFile>> {
  const shared = new SharedPaths();
  const waiting = orders.values();
  const added = new Map<OrderFile, OrderFile>();
  for await (const signed of addSignatures(context, { directory, fleet, trust }, orders, choice)) {
    const order = waiting.next().value!;
    added.set(order, signed === null ? order : { ...order, envelope: shared.of(signed.envelope) });
    if (signed !== null)
      await context.files.writeAtomic(join(directory, order.file), formatWarrantEnvelope(signed.envelope), {
        mode: 0o644,
      });
  }
  return added;
}
