import { NixsealError } from "../../core/errors.ts";
import { confirmNamespace } from "../../gate/message.ts";
import { rebootNamespace } from "../../gate/reboot-message.ts";
import type { SshSig } from "../../ssh/sshsig.ts";
import type { OpenFleet } from "../fleet-context.ts";
import { findConfirmer, signConfirmation } from "../gate/confirmation.ts";
import type { Context } from "../op.ts";
import type { OpenTrust } from "../trust/open.ts";
import type { SignerChoice } from "../warrant/add-signature.ts";
import type { OrderFile } from "./sign-orders.ts";

const namespaces = { confirm: confirmNamespace, reboot: rebootNamespace } as const;

/** Signs what hosts ask to have confirmed. One at a time: a token has one button, and a terminal one person. */
export function confirmer(
  context: Context,
  { directory, fleet }: OpenFleet,
  trust: OpenTrust,
  choice: SignerChoice,
): (order: OrderFile, text: Uint8Array, purpose: keyof typeof namespaces) => Promise<SshSig> {
  let before: Promise<unknown> = Promise.resolve();
  return ({ envelope }, text, purpose) => {
    const sign = async (): Promise<SshSig> =>
      signConfirmation(
        context,
        await findConfirmer(context, directory, fleet, trust, envelope, choice),
        text,
        namespaces[purpose],
      );
    const mine = before.then(sign);
    before = mine.catch(() => undefined); // whoever asked is told; the next one is not held up
    return mine;
  };
}

/** Said before anything is activated: a host that asks for a confirmation and gets none goes back. */
export async function warnWithoutConfirmer(
  context: Context,
  { directory, fleet }: OpenFleet,
  trust: OpenTrust,
  choice: SignerChoice,
  { envelope }: OrderFile,
): Promise<void> {
  try {
    await findConfirmer(context, directory, fleet, trust, envelope, choice);
  } catch (error) {
    if (!(error instanceof NixsealError)) throw error;
    const { name } = envelope.warrant.subject;
    context.emit({
      type: "warning",
      message: `you cannot confirm what ${name} will run, and it goes back if it asks for that: ${error.message}`,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}
