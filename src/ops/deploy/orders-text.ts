import type { Context } from "../op.ts";
import { describeWarrant } from "../warrant/describe.ts";
import { changesOf } from "../warrant/show.ts";
import { warrantView } from "../warrant/view.ts";
import type { OrderFile } from "./sign-orders.ts";

const plain = (text: string): string => text;
const noPaint = { good: plain, bad: plain, weak: plain, strong: plain };

/**
 * What somebody signs who applies a plan out of a file: the orders themselves, as `warrant sign` shows them, each held against the one before it.
 * Of the plan's own words nothing: whoever wrote the file chose them.
 */
export async function ordersText(context: Context, orders: readonly OrderFile[]): Promise<string> {
  const texts: string[] = [];
  for (const { envelope } of orders) {
    const since = await changesOf(context, envelope, undefined);
    texts.push(describeWarrant(warrantView(envelope), "valid", [], since, noPaint));
  }
  return texts.join("\n\n");
}
