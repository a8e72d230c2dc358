/** The operator's word that a new system lets people in: a nonce of the host, signed. */
import { NixsealError } from "../../core/errors.ts";
import { confirmationText, confirmNamespace, type ConfirmMessage } from "../../gate/message.ts";
import type { Fleet } from "../../inventory/model.ts";
import type { Certificate } from "../../ssh/certificate.ts";
import type { SshSig } from "../../ssh/sshsig.ts";
import { signWithKeygen } from "../../trust/root/sign.ts";
import type { WarrantEnvelope } from "../../trust/warrant/envelope.ts";
import type { Context } from "../op.ts";
import type { OpenTrust } from "../trust/open.ts";
import { findSigner } from "../warrant/add-signature.ts";
import { hostsOf } from "../warrant/hosts.ts";

export interface Confirmer {
  readonly certificate: Certificate;
  readonly keyFile: string;
}

/** The key and the certificate to confirm with. Looked for before anything is activated: later would be too late. */
export async function findConfirmer(
  context: Context,
  directory: string,
  fleet: Fleet,
  trust: OpenTrust,
  envelope: WarrantEnvelope,
  given: { readonly key?: string | undefined; readonly certificate?: string | undefined },
): Promise<Confirmer> {
  const hosts = hostsOf(fleet, trust.root, envelope.warrant.subject);
  return findSigner(context, directory, trust, envelope, hosts, given);
}

/** `about` is what the host says that it runs; what is signed names the warrant that the caller has in hand. */
export async function confirmMessage(
  context: Context,
  confirmer: Confirmer,
  about: { readonly fleet: string; readonly host: string; readonly warrant: string; readonly nonce: string },
): Promise<ConfirmMessage> {
  if (!/^[0-9a-f]{64}$/.test(about.nonce))
    throw new NixsealError("malformed", `the nonce of ${about.host} is not 64 digits in hex`);
  const text = confirmationText(about);
  return {
    kind: "confirm",
    nonce: about.nonce,
    signature: await signConfirmation(context, confirmer, text),
    fence: null,
  };
}

/** As with warrants: the certificate speaks for the key, which may be in an agent or a token that knows none. */
export async function signConfirmation(
  context: Context,
  { certificate, keyFile }: Confirmer,
  text: Uint8Array,
  namespace: string = confirmNamespace,
): Promise<SshSig> {
  const signature = await signWithKeygen(context, text, namespace, keyFile);
  return { ...signature, signer: certificate };
}
