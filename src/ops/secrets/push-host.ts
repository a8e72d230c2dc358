/** One host's part of `secrets push`: what differs, the order, its signature, the way to the gate, and the host's receipt. */
import { NixsealError } from "../../core/errors.ts";
import type { GateSuccess } from "../../deploy/gate-client.ts";
import { orderLimits, type SecretsEnvelope, type SecretsOrder } from "../../gate/secrets/order.ts";
import { openSecretsReceipt } from "../../gate/secrets/receipt.ts";
import * as rules from "../../inventory/field-rules.ts";
import type { Host } from "../../inventory/model.ts";
import { secretsOf } from "../../inventory/recipients.ts";
import { appendToLog } from "../../log/log.ts";
import { Field } from "../../nix/json-fields.ts";
import { readStored, type StoredSecret } from "../../secrets/store/stored-secret.ts";
import { parsePublicKeyLine } from "../../ssh/public-key-line.ts";
import { readKrl } from "../../trust/certificates/revocation-list.ts";
import { formatTime } from "../../trust/root/root.ts";
import { readChain } from "../../trust/root/store.ts";
import { thresholdFor } from "../../trust/warrant/decide.ts";
import type { OpenFleet } from "../fleet-context.ts";
import { tellGate } from "../gate/connection.ts";
import { destinationOf } from "../gate/destination.ts";
import type { Context } from "../op.ts";
import { openState } from "../shared-state.ts";
import type { OpenTrust } from "../trust/open.ts";
import { fleetName } from "../trust/root-flags.ts";
import { formerCiphertexts } from "./former-ciphertexts.ts";
import { checkKept } from "./kept-order.ts";
import { addOwnSignature, judged, keepOrder, readOrder, unsigned } from "./push-order.ts";

export interface PushGiven {
  readonly only: readonly string[];
  /** Absolute. */
  readonly order: string | undefined;
  readonly expires: string;
  readonly identity?: string | undefined;
  readonly key?: string | undefined;
  readonly certificate?: string | undefined;
  readonly yes: boolean;
}

export async function pushTo(
  context: Context,
  open: OpenFleet,
  trust: OpenTrust,
  host: Host,
  given: PushGiven,
) {
  const destination = destinationOf(context, open.fleet, host.name, given);
  const status = await tellGate(context, destination, { kind: "status" });
  const known = stateOf(status, host.name);
  const wanted = await wantedFor(context, open, host, given.only);
  const withSystem = wanted.filter(({ name }) => !known.values.has(name)).map(({ name }) => name);
  const differing = wanted.filter(
    ({ name, digest }) => known.values.has(name) && known.values.get(name) !== digest,
  );
  const nothing = { host: host.name, withSystem, restart: [], reload: [], problems: [] };
  const kept = given.order === undefined ? null : await readOrder(context, given.order);
  if (differing.length === 0 && kept === null)
    return { ...nothing, state: "unchanged" as const, seq: known.seq, secrets: [] };

  const candidate = { name: host.name, labels: host.tags };
  const draft = kept ?? unsigned(await orderFor(context, open, host, known.seq, differing, given.expires));
  const former = (name: string): Promise<string[]> => {
    const { digest } = draft.order.values.find((one) => one.name === name)!;
    return formerCiphertexts(context, open.directory, name, digest);
  };
  const holds = rules.seconds(given.expires);
  const expected = {
    fleet: fleetName(open.fleet),
    host: host.name,
    seq: known.seq,
    now: trust.now,
    holds,
    former,
  };
  if (kept !== null) await checkKept(kept.order, expected);
  // Before anybody signs: what others put into the file must be what the repository has.
  const ciphertexts = await ciphertextsOf(context, open.directory, draft);
  const secrets = draft.order.values.map(({ name }) => name);
  const consent = async (principal: string): Promise<void> => {
    if (given.yes) return;
    const until = formatTime(draft.order.expires);
    const question = `${host.name}: new values for ${secrets.join(", ")} (order ${draft.order.seq}, which ends at ${until})\nSign this as ${principal}?`;
    if (!(await context.person.askYesNo(question))) throw new NixsealError("cancelled", "not signed");
  };
  const envelope = await addOwnSignature(context, open.directory, trust, candidate, draft, given, consent);
  if (given.order !== undefined) await keepOrder(context, given.order, envelope);
  const { seq } = envelope.order;
  const signed = judged(envelope, trust, candidate).filter(({ accepted }) => accepted).length;
  if (signed < thresholdFor(trust.root, candidate))
    return { ...nothing, state: "waits" as const, seq, secrets };

  const krl = await readKrl(context.files, open.directory);
  const roots = await readChain(context.files, open.directory, known.root);
  const bundle = { roots: roots!.slice(0, 64), krl, heads: new Map() };
  const answer = await tellGate(context, destination, {
    kind: "secrets",
    order: envelope,
    ciphertexts,
    status: bundle,
  });
  const said = await record(context, open, host, envelope, answer);
  return { ...nothing, ...said, state: "pushed" as const, seq, secrets };
}

interface Known {
  readonly root: number;
  readonly seq: number;
  /** What each secret of the system has; null for nothing. */
  readonly values: ReadonlyMap<string, string | null>;
}

function stateOf(status: GateSuccess, host: string): Known {
  const top = Field.parse(JSON.stringify(status), "status");
  const secrets = top.get("secrets");
  if (!top.has("secrets") || secrets.isNull)
    throw new NixsealError("refused", "no values can be pushed to it", {
      hint: "its system must install secrets, and its gate must be in stage 1; an older nixseal-agent there knows none of this",
      where: { host },
    });
  if (secrets.has("problem"))
    throw new NixsealError(
      "refused",
      secrets
        .get("problem")
        .string()
        .replace(/[\p{Cc}\p{Cf}]/gu, "?")
        .slice(0, 2000),
      {
        hint: "look at it on the host: nixseal-agent secrets verify, and its journal",
        where: { host },
      },
    );
  const values = secrets
    .get("values")
    .entries()
    .map(([name, digest]) => [name, digest.isNull ? null : digest.string()] as const);
  return { root: top.get("root").count(), seq: secrets.get("seq").count(), values: new Map(values) };
}

async function wantedFor(
  { files }: Pick<Context, "files">,
  { fleet, directory }: OpenFleet,
  host: Host,
  only: readonly string[],
): Promise<StoredSecret[]> {
  const mine = secretsOf(fleet, host).filter(({ stage }) => stage === "default");
  const unknown = only.find((name) => !mine.some((secret) => secret.name === name));
  if (unknown !== undefined)
    throw new NixsealError("usage", `--only ${unknown}: ${host.name} has no such secret that can be pushed`, {
      hint: "secrets of the stage 'users' come with a system only",
    });
  const stored: StoredSecret[] = [];
  for (const { name } of mine) {
    if (only.length > 0 && !only.includes(name)) continue;
    const found = await readStored(files, directory, name);
    if (found !== null) stored.push(found);
  }
  return stored.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function orderFor(
  context: Context,
  { directory, fleet }: OpenFleet,
  host: Host,
  seq: number,
  differing: readonly StoredSecret[],
  expires: string,
): Promise<SecretsOrder> {
  if (differing.length > orderLimits.values)
    throw new NixsealError(
      "limit",
      `${differing.length} values, at most ${orderLimits.values} go in an order`,
      {
        hint: "name some of them with --only, or deploy a system",
      },
    );
  const now = new Date(Math.floor(context.clock.now().getTime() / 1000) * 1000);
  const values = [];
  for (const { name, digest } of differing)
    values.push({ name, digest, replaces: await formerCiphertexts(context, directory, name, digest) });
  return {
    v: 1,
    fleet: fleetName(fleet),
    host: host.name,
    seq: seq + 1,
    notBefore: now,
    expires: new Date(now.getTime() + rules.seconds(expires) * 1000),
    values,
  };
}

/** The repository's, as long as they are those that were signed. */
async function ciphertextsOf(
  { files }: Pick<Context, "files">,
  directory: string,
  { order }: SecretsEnvelope,
): Promise<Uint8Array[]> {
  const found: Uint8Array[] = [];
  for (const { name, digest } of order.values) {
    const stored = await readStored(files, directory, name);
    if (stored?.digest !== digest)
      throw new NixsealError("stale", `'${name}' has another value here than the one that was signed`, {
        hint: "remove the order, and push again",
      });
    found.push(stored.ciphertext);
  }
  return found;
}

/** What the host says that it did goes into the log, when its own key has signed that. */
async function record(
  context: Context,
  open: OpenFleet,
  host: Host,
  { order, digest }: SecretsEnvelope,
  answer: GateSuccess,
): Promise<{ restart: string[]; reload: string[]; problems: string[] }> {
  const top = Field.parse(JSON.stringify(answer), "answer");
  const texts = (name: string): string[] =>
    top
      .get(name)
      .items()
      .map((one) => one.string().replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "?"));
  const receipt = top.get("receipt").string();
  const keys = host.hostKeys.map(({ line }) => parsePublicKeyLine(line).key);
  const problems = texts("problems");
  try {
    openSecretsReceipt(receipt, { fleet: order.fleet, host: host.name, order: digest }, keys);
  } catch (error) {
    if (!(error instanceof NixsealError)) throw error;
    problems.push(error.message);
  }
  const { environment, processes, clock } = context;
  await appendToLog(await openState(context, open), clock, {
    what: "secrets.push",
    by: { member: null, machine: `${environment.get("USER") ?? "someone"}@${processes.hostname}` },
    hosts: [host.name],
    detail: { order: digest, seq: order.seq, receipt },
  });
  return { restart: texts("restart"), reload: texts("reload"), problems };
}
