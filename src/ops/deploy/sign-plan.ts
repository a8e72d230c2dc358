/** A plan is shown, the person is asked, and the orders get the signatures that they lack. */
import { NixsealError } from "../../core/errors.ts";
import type { OpenFleet } from "../fleet-context.ts";
import type { Context } from "../op.ts";
import { openTrust } from "../trust/open.ts";
import type { SignerChoice } from "../warrant/add-signature.ts";
import { ordersOf } from "./execute.ts";
import type { MadePlan } from "./make-plan.ts";
import { ordersText } from "./orders-text.ts";
import { planText } from "./plan-text.ts";
import { planView } from "./plan-view.ts";
import { signOrders, type OrderFile } from "./sign-orders.ts";

/** What the person sees before the question. */
export type Shown = (context: Context, made: MadePlan, orders: readonly OrderFile[]) => Promise<string>;

const plain = (text: string): string => text;

/** Of a plan that was made here and now. */
export const textOfPlan: Shown = async (_context, { plan, unreachable }) =>
  planText(planView(plan, unreachable), { good: plain, bad: plain, weak: plain, strong: plain });

/** Of a plan out of a file: what its orders say, and what a signature is given for beside them. */
export const textOfOrders: Shown = async (context, { plan }, orders) => {
  const text = await ordersText(context, orders);
  return plan.reboots === "never" ? text : `${text}\n\nThe hosts start anew: ${plan.reboots}.`;
};

/**
 * The orders of all hosts, by name. `idle`: hosts to which nothing is done, so that nothing of theirs needs a signature; with no others
 * nobody is asked. Under the fleet's lock.
 */
export async function signPlan(
  context: Context,
  open: OpenFleet,
  made: MadePlan,
  idle: ReadonlySet<string>,
  choice: SignerChoice & { readonly yes: boolean },
  { shown, question }: { readonly shown: Shown; readonly question: string },
): Promise<Map<string, OrderFile>> {
  const orders = await ordersOf(context, open, made.plan);
  const rest = [...orders].filter(([name]) => !idle.has(name));
  const unsigned = rest.map(([, order]) => order);
  if (!choice.yes && rest.length > 0) {
    const text = await shown(context, made, unsigned);
    if (!(await context.person.askYesNo(`${text}\n${question}`)))
      throw new NixsealError("cancelled", "nothing was deployed");
  }
  const trust = await openTrust(context, open.directory);
  const signed = await signOrders(context, open, trust, unsigned, choice);
  rest.forEach(([name], index) => orders.set(name, signed[index]!));
  return orders;
}
