/** Orders of the lab: warrants for the gate, and the same by keys of Nix for a host that knows no warrants. */
import { closureOf } from "../../trust/warrant/closure.ts";
import { draftWarrant, type Former } from "../../trust/warrant/draft.ts";
import type { WarrantEnvelope } from "../../trust/warrant/envelope.ts";
import { warrantNamespace, type Warrant } from "../../trust/warrant/model.ts";
import type { StatusBundle } from "../../trust/warrant/status-bundle.ts";
import { encodeWarrant, parseWarrant, payloadDigest } from "../../trust/warrant/warrant.ts";
import { signMessage } from "../../ssh/signer.ts";
import { labFleet, labHost, type Member } from "./people.ts";
import type { LabSystem } from "./systems.ts";

export interface Order {
  readonly system: LabSystem;
  readonly envelope: WarrantEnvelope;
  /** For plain Nix: whose keys sign the paths. */
  readonly signers: readonly Member[];
  readonly status: StatusBundle | null;
}

/** What is unlike an honest order. */
export type Fields = Partial<Warrant> & { readonly status?: StatusBundle };

const lifetime = 3600;

export async function makeOrder(
  {
    system,
    signers,
    former,
    now,
  }: { system: LabSystem; signers: readonly Member[]; former: Former | null; now: Date },
  { status, ...fields }: Fields = {},
): Promise<Order> {
  const toplevel = system.toplevel.info.path;
  const infos = system.closure.map(({ info }) => info);
  const draft = draftWarrant(
    {
      fleet: labFleet,
      subject: { kind: "host", name: labHost },
      action: "switch",
      now: new Date(now.getTime() - 60_000),
      lifetime,
      source: null,
    },
    closureOf(toplevel, infos, null),
    former,
  );
  const payload = encodeWarrant({ ...draft, ...fields });
  const signatures = [];
  for (const { signer } of signers) signatures.push(await signMessage(payload, warrantNamespace, signer));
  const envelope = { payload, warrant: parseWarrant(payload), digest: payloadDigest(payload), signatures };
  return { system, envelope, signers, status: status ?? null };
}
