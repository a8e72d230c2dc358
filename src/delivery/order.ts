/** An order on its way through the gate of this host: offered, its paths brought, activated. By the gate's own messages only. */
import { NixsealError } from "../core/errors.ts";
import type { ActivateMessage, OfferMessage } from "../gate/message.ts";
import { readActive } from "../gate/pending.ts";
import { exchange } from "../gate/receive/orders.ts";
import { refusalOf } from "../gate/receive/root-side.ts";
import { readKnowledge } from "../gate/state.ts";
import { parseKrl } from "../ssh/krl.ts";
import type { StorePath } from "../nix/store-path.ts";
import type { ClosurePath } from "../trust/warrant/closure.ts";
import type { Head } from "../trust/warrant/state.ts";
import { Importer, missingPaths, rootSide, type HostWorld } from "./importer.ts";

/** How it ended. */
export interface OrderResult {
  /** `current`: it runs already. `undone`: it was activated, and the former system is back (or more is wrong). */
  readonly outcome: "current" | "activated" | "undone";
  readonly seq: number;
  readonly toplevel: StorePath;
  readonly message: string;
  /** Paths that were brought. */
  readonly imported: number;
  /** As the host signed it. */
  readonly receipt: string | null;
}

/** What the gate has accepted for this host, by sequence, and by which order it runs. */
export async function whereItStands({
  files,
  paths,
  config,
}: HostWorld): Promise<{ readonly heads: ReadonlyMap<string, Head>; readonly active: string | null }> {
  const { accepted } = await readKnowledge(files, paths, config);
  const active = await readActive(files, paths);
  return { heads: accepted.heads, active: active?.digest ?? null };
}

/** Brings what is missing: given those paths, adds them to the importer, references before what refers to them. */
export type Bring = (missing: ReadonlyMap<StorePath, ClosurePath>, importer: Importer) => Promise<void>;

/** `log`: the head of the sender's log, for the receipt. Throws `refused` with the gate's reason, and what `bring` throws. What came into the store stays, for the next try. */
export async function followOrder(
  world: HostWorld,
  offer: OfferMessage,
  log: Head | null,
  bring: Bring,
  say: (message: string) => void,
): Promise<OrderResult> {
  const { warrant, digest } = offer.warrant;
  const { seq, toplevel } = warrant;
  if ((await whereItStands(world)).active === digest) {
    await moveTrust(world, offer);
    return { outcome: "current", seq, toplevel, message: `runs order ${seq}`, imported: 0, receipt: null };
  }
  // Nobody stands at the other end of a delivery: an activation that waits for a yes would be undone each time.
  if (world.config.confirm !== null)
    throw new NixsealError(
      "config",
      "this host's gate asks for a confirmation, which a delivery cannot give",
      {
        hint: "set 'confirm' to null in gate.json, and let health checks decide",
      },
    );
  await offered(world, offer);
  const missing = await missingPaths(world, warrant.paths);
  const imported = missing.size === 0 ? 0 : await broughtIn(world, missing, bring, say);
  const message: ActivateMessage = {
    kind: "activate",
    warrant: digest,
    action: warrant.action,
    rehash: false,
    fence: null,
    log,
  };
  const result = await exchange({ connect: rootSide(world) }, message, async ({ fields, isResult }) => {
    if (!isResult) say(fields.get("message").string());
  });
  const [receipt, ok] = [
    fieldText(result.fields.get("receipt").value),
    result.fields.get("ok").value === true,
  ];
  if (ok) return { outcome: "activated", seq, toplevel, message: `runs order ${seq}`, imported, receipt };
  // Without a receipt nothing was begun here. The root side of a run that was killed goes on, and may have come first.
  if (receipt === null) {
    if ((await whereItStands(world)).active !== digest) throw refusalOf(result);
    return { outcome: "current", seq, toplevel, message: `runs order ${seq}`, imported, receipt: null };
  }
  const reason = result.fields.get("reason").string();
  return { outcome: "undone", seq, toplevel, message: `order ${seq}: ${reason}`, imported, receipt };
}

async function offered(world: HostWorld, offer: OfferMessage): Promise<void> {
  const result = await exchange({ connect: rootSide(world) }, offer, async () => undefined);
  if (result.fields.get("ok").value !== true) throw refusalOf(result);
}

/**
 * Revocations come also when there is no new order. The order that runs may have expired since, which is no fault: what counts is
 * whether root and list are as new as those that were sent.
 */
async function moveTrust(world: HostWorld, offer: OfferMessage): Promise<void> {
  const { files, paths, config } = world;
  const behind = async (): Promise<boolean> => {
    const { trust } = await readKnowledge(files, paths, config);
    const { roots = [], krl = null } = offer.status ?? {};
    const sent = krl === null ? 0n : parseKrl(krl.file).version;
    return trust.root.root.version < (roots.at(-1)?.root.version ?? 0) || (trust.krl?.version ?? 0n) < sent;
  };
  if (!(await behind())) return;
  const result = await exchange({ connect: rootSide(world) }, offer, async () => undefined);
  if (await behind()) throw refusalOf(result);
}

async function broughtIn(
  world: HostWorld,
  missing: ReadonlyMap<StorePath, ClosurePath>,
  bring: Bring,
  say: (message: string) => void,
): Promise<number> {
  say(`${missing.size} paths are missing`);
  const importer = new Importer(world);
  try {
    await importer.prepare();
    await bring(missing, importer);
    return await importer.end();
  } catch (error) {
    await importer.abandon();
    throw error;
  }
}

function fieldText(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
