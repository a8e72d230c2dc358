/** Attacks as data: each is tried against a target, and says what came of it. */
import type { AttackName } from "./names.ts";
import type { LabPath } from "./lab-path.ts";
import type { Lab } from "./lab.ts";
import type { Member } from "./people.ts";
import type { Fields, Order } from "./order.ts";
import type { LabSystem } from "./systems.ts";

export interface Attack {
  readonly name: AttackName;
  /** What the attacker wants and has, in a sentence. */
  readonly what: string;
  run(target: Target, lab: Lab): Promise<Outcome>;
}

/** `stopped`: by whom, in their words. `succeeded`: how it shows. `not-tried` is never counted as stopped. */
export type Outcome =
  | { readonly kind: "stopped"; readonly by: string }
  | { readonly kind: "succeeded"; readonly how: string }
  | { readonly kind: "not-tried"; readonly why: string };

/** What a host said to something that it was asked to do. */
export interface Reply {
  readonly accepted: boolean;
  readonly said: string;
}

/**
 * A host in a chroot store. Attackers reach it as members do: they may send paths, and ask for what has been ordered. `plant` is what an
 * attacker did before there was a gate, or by another way than it.
 */
export interface Target {
  readonly kind: "plain" | "gate";
  readonly root: string;
  /** As a member who may upload. */
  send(sender: Member, paths: readonly LabPath[]): Promise<Reply>;
  /** An operator's deployment: the order, the paths it needs, activation. Signed by whoever the order says. */
  deploy(order: Order): Promise<Reply>;
  /** The same in two parts, for what comes between: up to where activation can begin, and that. */
  prepareOrder(order: Order): Promise<Reply>;
  finishOrder(order: Order): Promise<Reply>;
  /** The order as bytes that were tampered with on the way. */
  offerBytes(bytes: Uint8Array): Promise<Reply>;
  /** The deploy user asks for this command to be run as root. */
  asRoot(words: readonly string[]): Promise<Reply>;
  /** Puts paths into the store by force, as if they had always been there. */
  plant(...paths: readonly LabPath[]): Promise<Reply>;
  collectGarbage(): Promise<Reply>;
  /** The NAR hash that the store's database has; null where the path is not valid. */
  narHashOf(path: LabPath): Promise<string | null>;
  /** What ran as root so far: `NAME ACTION` of systems, `sudo CONTENT` of the tool that they use. */
  ran(): Promise<readonly string[]>;
  /** The next order for this host. */
  order(system: LabSystem, signers: readonly Member[], fields?: Fields): Promise<Order>;
}

/** Stopped unless one of the lines that ran as root is the attacker's. */
export async function verdictOf(
  target: Target,
  attackers: RegExp,
  replies: readonly Reply[],
): Promise<Outcome> {
  const hit = (await target.ran()).find((line) => attackers.test(line));
  if (hit !== undefined) return { kind: "succeeded", how: `'${hit}' ran as root` };
  const no = replies.find(({ accepted }) => !accepted);
  return { kind: "stopped", by: no?.said ?? "what ran was what had been ordered" };
}

/** As above, and the honest tool must have run: a host on which nothing works has stopped nothing. */
export async function verdictOfDeployment(target: Target, deployed: Reply, by: string): Promise<Outcome> {
  const verdict = await verdictOf(target, /PLANTED|evil/, [deployed]);
  if (verdict.kind === "succeeded") return verdict;
  if (deployed.accepted && (await target.ran()).includes("sudo honest")) return { kind: "stopped", by };
  return { kind: "not-tried", why: `the honest deployment failed: ${deployed.said}` };
}

/** Stopped exactly when the order was refused. */
export function verdictOfOrder({ accepted, said }: Reply): Outcome {
  return accepted
    ? { kind: "succeeded", how: `the order was followed: ${said}` }
    : { kind: "stopped", by: said };
}
