import { join } from "node:path";
import { utf8 } from "../core/bytes.ts";
import { at, NixsealError } from "../core/errors.ts";
import { exitCodes } from "../core/exit.ts";
import { applyBundle } from "../delivery/apply-bundle.ts";
import type { OrderResult } from "../delivery/order.ts";
import { receiptLimits } from "../delivery/receipt.ts";
import { Field } from "../nix/json-fields.ts";
import { parseSignedEnvelope } from "../trust/signed-envelope.ts";
import { asDeployUser } from "./deploy-user.ts";
import { openGate } from "./gate-open.ts";
import { rootOf, rootOption } from "./root.ts";
import { visible } from "./text.ts";
import type { AgentContext, AgentVerb, Values } from "./verb.ts";

type Shown = Pick<OrderResult, "outcome" | "message" | "receipt">;

export const bundleApply: AgentVerb = {
  options: [
    {
      name: "receipt",
      value: "FILE",
      summary: "where the signed receipt goes, to be carried back (default: FILE.receipt, beside the bundle)",
    },
    rootOption,
  ],
  argument: { name: "FILE", summary: "the bundle" },
  examples: ["nixseal-agent bundle apply /media/stick/buoy.bundle"],
  exits: ["3 activated and undone again", "4 refused"],
  run: async (context, values, argument) => {
    const root = await rootOf(context.files, values);
    const open = await openGate(context.files, root);
    // Whole: the other user begins in another directory.
    const bundle = await context.files.realPath(argument);
    const words = ["bundle", "apply", bundle, "--json", "--receipt", "-"];
    const handed = await asDeployUser(context, root, open.config.user, words);
    if (handed !== null) {
      const shown = shownBy(handed.stdout);
      if (shown === null) await context.out(values["json"] === true ? visible(handed.stdout) : "");
      else await tell(context, values, argument, shown);
      return handed.code;
    }
    const step = (message: string): void => {
      if (context.streams.stdoutIsTerminal && values["json"] !== true) context.say(visible(`${message}\n`));
    };
    try {
      const result = await applyBundle({ ...context, ...open }, bundle, step);
      await tell(context, values, argument, result);
      return result.outcome === "undone" ? exitCodes.partial : exitCodes.done;
    } catch (error) {
      throw at(error, { file: argument });
    }
  },
};

/** The receipt first: what is printed may be seen by nobody. */
async function tell(context: AgentContext, values: Values, bundle: string, shown: Shown): Promise<void> {
  const { receipt, outcome, message } = shown;
  const given = values["receipt"];
  const place =
    given === "-" || receipt === null ? null : typeof given === "string" ? given : `${bundle}.receipt`;
  let kept = "";
  if (place !== null) {
    try {
      await context.files.writeAtomic(place, utf8(receipt!), { mode: 0o644 });
      kept = `\nreceipt: ${place}`;
    } catch (error) {
      if (!(error instanceof NixsealError)) throw error;
      const where = join("/var/lib/nixseal/gate", "receipts");
      context.say(
        visible(`the receipt cannot be written: ${error.message}\n  hint: it lies in ${where} too\n`),
      );
    }
  }
  if (values["json"] === true) return context.out(`${JSON.stringify({ ...shown, receiptFile: place })}\n`);
  await context.out(visible(`${outcome}: ${message}${kept}\n`));
}

function shownBy(document: string): Shown | null {
  const top = Field.parse(document === "" ? "{}" : document, "answer");
  if (top.get("outcome").isNull) return null;
  const receipt = top.get("receipt");
  // Root writes it, where others may write too: nothing but a receipt, whatever became of the account that handed it over.
  if (!receipt.isNull) parseSignedEnvelope(utf8(receipt.string()), "the receipt", receiptLimits);
  return {
    outcome: top.get("outcome").string() as Shown["outcome"],
    message: top.get("message").string(),
    receipt: receipt.isNull ? null : receipt.string(),
  };
}
