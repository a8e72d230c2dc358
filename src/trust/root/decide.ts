/**
 * Which root is to be believed. Pure: bytes that were read and a time come in, a decision comes out. The rules are
 * those of TUF's root role (specification 1.0.33, section 5.3), with SSHSIG as the signature.
 */
import { sameBytes } from "../../core/bytes.ts";
import type { Fingerprint, PublicKey } from "../../ssh/public-key.ts";
import { verifySignature } from "../../ssh/signature.ts";
import { signedData } from "../../ssh/sshsig.ts";
import { untrusted, type TrustRefusal } from "../refusal.ts";
import { rootNamespace, type Envelope } from "./envelope.ts";
import { encodeRoot, formatTime, type Root } from "./root.ts";

export interface RootAccepted {
  readonly accepted: true;
  readonly root: Root;
}

export type RootDecision = RootAccepted | TrustRefusal;

/** The later of the clock and of any time in something that was accepted: setting the clock back revives nothing. */
export function effectiveTime(clock: Date, floor: Date | null): Date {
  return floor !== null && floor > clock ? floor : clock;
}

/**
 * The distinct keys of the list that signed. A key that signed twice is one; a certificate never stands for its key.
 * Throws only `malformed`, when the raw signature of such a key does not follow its format.
 */
export function signersAmong(envelope: Envelope, keys: readonly PublicKey[]): Set<Fingerprint> {
  const signed = new Set<Fingerprint>();
  for (const { signer, namespace, hash, signature } of envelope.signatures) {
    if (signer.type === "certificate" || namespace !== rootNamespace || signed.has(signer.fingerprint))
      continue;
    const key = keys.find(({ fingerprint }) => fingerprint === signer.fingerprint);
    if (key === undefined) continue; // on the way from one version to the next both sets of keys sign
    const data = signedData(envelope.payload, { namespace, hash });
    if (verifySignature(key, data, signature).accepted) signed.add(key.fingerprint);
  }
  return signed;
}

/** The root that nothing came before: its own keys must have signed. Whose keys they are, only a person can say. */
export function decideFirstRoot(envelope: Envelope): RootDecision {
  const { version } = envelope.root;
  // With a later one as the first, whoever drops the files before it would choose where trust begins.
  if (version !== 1) return untrusted("root-version", `the first root is version ${version}, not 1`);
  return thresholdFault(envelope, envelope.root, "its own") ?? { accepted: true, root: envelope.root };
}

/** The step from the trusted version to the next, by the keys of both. Expiry is for the last step only (TUF 5.3.10). */
export function decideNextRoot(trusted: Root, next: Envelope): RootDecision {
  const { root } = next;
  if (root.version !== trusted.version + 1)
    return untrusted(
      "root-version",
      `root version ${root.version} does not follow version ${trusted.version}; every version between is needed`,
    );
  if (root.fleet !== trusted.fleet)
    return untrusted("root-fleet", `the root is of the fleet '${root.fleet}', not '${trusted.fleet}'`);
  if (root.gateEpoch < trusted.gateEpoch)
    return untrusted("gate-epoch", `gate epoch ${root.gateEpoch} is before ${trusted.gateEpoch}`);
  return (
    thresholdFault(next, trusted, `version ${trusted.version}'s`) ??
    thresholdFault(next, root, "its own") ?? { accepted: true, root }
  );
}

/** Refused from the second on that the root names. */
export function decideExpiry(root: Root, now: Date): RootDecision {
  if (now < root.expires) return { accepted: true, root };
  return untrusted("root-expired", `root version ${root.version} expired at ${formatTime(root.expires)}`);
}

/**
 * From a trusted root, or from nothing, through every version in order to the last, which must not have expired.
 * A chain that begins at or before the trusted version is held against it: nobody may rewrite what was trusted.
 */
export function decideChain(trusted: Root | null, chain: readonly Envelope[], now: Date): RootDecision {
  const [first] = chain;
  if (first === undefined) return untrusted("root-version", "there is no root");
  let current = trusted;
  for (const envelope of chain) {
    const { version } = envelope.root;
    if (trusted !== null && version < trusted.version) continue;
    if (trusted !== null && version === trusted.version) {
      if (sameBytes(encodeRoot(trusted), envelope.payload)) continue;
      return untrusted("root-fork", `another root has version ${version} than the one that is trusted`);
    }
    const step = current === null ? decideFirstRoot(envelope) : decideNextRoot(current, envelope);
    if (!step.accepted) return step;
    current = step.root;
  }
  const newest = chain.at(-1)!.root.version;
  if (trusted !== null && newest < trusted.version)
    return untrusted(
      "root-version",
      `root version ${newest} is older than version ${trusted.version}, seen before`,
    );
  return decideExpiry(current!, now);
}

function thresholdFault(envelope: Envelope, by: Root, whose: string): TrustRefusal | null {
  const { keys, threshold } = by.root;
  const signed = signersAmong(envelope, keys).size;
  if (signed >= threshold) return null;
  return untrusted(
    "root-threshold",
    `root version ${envelope.root.version} has ${signed} of the ${threshold} signatures of ${whose} keys that it needs`,
  );
}
