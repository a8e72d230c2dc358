import type { SshSig } from "../../ssh/sshsig.ts";
import type { Host } from "../../inventory/model.ts";
import { confirmNamespace } from "../../gate/message.ts";
import { signWithKeygen } from "../../trust/root/sign.ts";
import type { OpenFleet } from "../fleet-context.ts";
import type { Context } from "../op.ts";
import type { OpenTrust } from "../trust/open.ts";
import { findSigner, type SignerChoice } from "../warrant/add-signature.ts";
import type { OrderFile } from "./sign-orders.ts";

/**
 * Signs what hosts ask to have confirmed. One at a time: a token has one button, and a terminal one person.
 */
export function confirmer(
  context: Context,
  { directory }: OpenFleet,
  trust: OpenTrust,
  { choice }: { readonly choice: SignerChoice },
): (order: OrderFile, host: Host, text: Uint8Array) => Promise<SshSig> {
  let before: Promise<unknown> = Promise.resolve();
  return ({ envelope }, host, text) => {
    const sign = async (): Promise<SshSig> => {
      const candidate = { name: host.name, labels: host.tags };
      const { keyFile, certificate } = await findSigner(
        context,
        directory,
        trust,
        envelope,
        [candidate],
        choice,
      );
      const signature = await signWithKeygen(context, text, confirmNamespace, keyFile);
      return { ...signature, signer: certificate };
    };
    const mine = before.then(sign);
    before = mine.catch(() => undefined); // whoever asked is told; the next one is not held up
    return mine;
  };
}
