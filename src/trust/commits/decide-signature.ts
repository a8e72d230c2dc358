/** Whether a commit or a tag is signed by someone who may sign: evidence, signers and time in, a decision out. */
import { parseArmoredSshSig } from "../../ssh/sshsig.ts";
import type { Right } from "../certificates/rights.ts";
import { decideSshSigner } from "./decide-ssh-signer.ts";
import type { ObjectFormat } from "./object-id.ts";
import { refusalOf, refuse, type CommitDecision, type CommitRefusal } from "./refusal.ts";
import { signatureHeader, type SignedObject } from "./signed-object.ts";
import type { Signers } from "./signers.ts";

/** What `git commit -S` asks `ssh-keygen -Y sign -n` for. */
const namespace = "git";

/**
 * Judged at `now`, never at a date that the object gives itself. Every refusal has a code and a reason; nothing in
 * the object makes this throw.
 */
export async function decideSignature(
  object: SignedObject,
  format: ObjectFormat,
  signers: Signers,
  now: Date,
): Promise<CommitDecision> {
  const text = onlySignature(object, format, signers);
  if (typeof text !== "string") return text;
  try {
    if (text.startsWith("-----BEGIN SSH SIGNATURE-----")) {
      const signature = parseArmoredSshSig(text);
      return decideSshSigner(object.payload, signature, namespace, signers, rightsFor(object), now);
    }
    if (text.startsWith("-----BEGIN PGP SIGNATURE-----")) {
      if (signers.openPgp === null)
        return refuse("unknown-signer", "signed with OpenPGP, and no OpenPGP key is among the signers");
      const numbers = signers.areForges === true ? "whole-bytes" : "exact";
      return await signers.openPgp.decide(object.payload, text, now, numbers);
    }
  } catch (error) {
    return refusalOf(error, "malformed-signature");
  }
  return refuse("signature-format", "the signature is neither an SSH nor an OpenPGP signature");
}

/** What a member's certificate must be for. */
function rightsFor(object: SignedObject): readonly Right[] {
  if (object.type === "tag") return ["commit", "merge", "policy"];
  return object.parents.length > 1 ? ["merge"] : ["commit", "policy"];
}

/** The armored text of the one signature, or why there is not exactly one. */
function onlySignature(
  { type, signatures }: SignedObject,
  format: ObjectFormat,
  signers: Signers,
): string | CommitRefusal {
  const wanted = type === "tag" ? "" : signatureHeader[format];
  // Whatever is in them is left out of what is signed: anyone could add one and have a new id that still verifies.
  const foreign = signatures.find(({ header }) => header !== wanted);
  if (foreign !== undefined) {
    return refuse(
      "extra-signature",
      `has the header '${foreign.header.slice(0, 64)}', which nothing verifies`,
    );
  }
  const [signature, second] = signatures;
  if (signature === undefined) return refuse("unsigned", "has no signature");
  if (second !== undefined) return refuse("extra-signature", `has ${signatures.length} signatures`);
  if (type === "commit") {
    // An empty continuation line behind the armor: git and the stock verifiers look past it.
    if (!signature.text.endsWith("\n")) return signature.text;
    const [armor, forges] = [signature.text.slice(0, -1), signers.areForges === true];
    if (forges && armor.endsWith("-----END PGP SIGNATURE-----")) return armor;
    return refuse("malformed-signature", "the signature ends with an empty line that nobody signed");
  }
  // In a tag the last line ends with its line feed.
  if (!signature.text.endsWith("\n"))
    return refuse("malformed-signature", "the tag does not end with a line end");
  return signature.text.slice(0, -1);
}
