/** A plan is shown, the person is asked, and the orders get the signatures that they lack. */
import { NixsealError } from "../../core/errors.ts";
import type { OpenFleet } from "../fleet-context.ts";
import type { Context } from "../op.ts";
import { openTrust } from "../trust/open.ts";
import type { SignerChoice } from "../warrant/add-signature.ts";
import { ordersOf } from "./execute.ts";
import type { MadePlan } from "./make-plan.ts";
import { planText } from "./plan-text.ts";
import { planView } from "./plan-view.ts";
import { signOrders, type OrderFile } from "./sign-orders.ts";

const plain = (text: string): string => text;

/**
 * The orders of all hosts, by name. `idle`: hosts to which nothing is done, so that nothing of theirs needs a signature; with no others
 * nobody is asked. Under the fleet's lock.
 */
export async function signPlan(
  context: Context,
  open: OpenFleet,
  { plan, unreachable }: MadePlan,
  idle: ReadonlySet<string>,
  choice: SignerChoice & { readonly yes: boolean },
  question: string,
): Promise<Map<string, OrderFile>> {
  const orders = await ordersOf(context, open, plan);
  const rest = [...orders].filter(([name]) => !idle.has(name));
  if (!choice.yes && rest.length > 0) {
    const shown = planText(planView(plan, unreachable), {
      good: plain,
      bad: plain,
      weak: plain,
      strong: plain,
    });
    if (!(await context.person.askYesNo(`${shown}\n${question}`)))
      throw new NixsealError("cancelled", "nothing was deployed");
  }
  const trust = await openTrust(context, open.directory);
  const unsigned = rest.map(([, order]) => order);
  const signed = await signOrders(context, open, trust, unsigned, choice);
  rest.forEach(([name], index) => orders.set(name, signed[index]!));
  return orders;
}
