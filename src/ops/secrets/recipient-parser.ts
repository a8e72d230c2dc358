import { parseRecipient } from "../../secrets/age/parse-recipient.ts";
import type { ParseRecipient } from "../../secrets/store/seal.ts";
import type { Context } from "../op.ts";

/** Recipients as `secrets` verbs take them from the inventory. */
export function recipientParser({ random }: Pick<Context, "random">): ParseRecipient {
  return (text) => parseRecipient(text, { random });
}
