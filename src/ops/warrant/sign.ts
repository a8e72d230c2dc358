import { resolve } from "node:path";
import { z } from "zod";
import { NixsealError } from "../../core/errors.ts";
import type { Candidate } from "../../inventory/selector-entry.ts";
import { signWithKeygen } from "../../trust/root/sign.ts";
import { thresholdFor } from "../../trust/warrant/decide.ts";
import { formatWarrantEnvelope, type WarrantEnvelope } from "../../trust/warrant/envelope.ts";
import { judgeSignatures, type SignatureVerdict } from "../../trust/warrant/signatures.ts";
import { readWarrant } from "../../trust/warrant/store.ts";
import { warrantNamespace } from "../../trust/warrant/model.ts";
import { withLockedFleet } from "../locked-fleet.ts";
import { op, type Context } from "../op.ts";
import { findKey } from "../trust/key-file.ts";
import { openTrust, type OpenTrust } from "../trust/open.ts";
import { describeWarrant } from "./describe.ts";
import { hostsOf } from "./hosts.ts";
import { usableCertificates } from "./member-certificates.ts";
import { changesOf } from "./show.ts";
import { signatureSchema, verdictView, warrantSchema, warrantView } from "./view.ts";

const plain = (text: string): string => text;
const noPaint = { good: plain, bad: plain, weak: plain, strong: plain };

/** Flags that say with what to sign. */
export const signing = {
  key: z
    .string()
    .optional()
    .meta({ value: "FILE" })
    .describe("your key; for one in an agent or a token its .pub file (default: one in ~/.ssh)"),
  certificate: z
    .string()
    .optional()
    .meta({ value: "FILE" })
    .describe("your member certificate (default: beside the key, else in trust/certificates/)"),
  yes: z.boolean().default(false).describe("sign without being asked"),
};

const input = z.object({
  file: z.string().describe("the warrant; your signature is added to it").meta({ value: "FILE" }),
  ...signing,
});

export const warrantSign = op({
  effect: "write",
  input,
  positional: ["file"],
  output: z.object({
    file: z.string(),
    warrant: warrantSchema,
    principal: z.string(),
    key: z.string(),
    threshold: z.number(),
    signatures: z.array(signatureSchema),
  }),
  examples: [
    { command: "nixseal warrant sign warrants/lufta/0042.json", says: "shows what it orders, then asks" },
    {
      command: "nixseal warrant sign warrants/lufta/0042.json --key ~/.ssh/id_ed25519_sk.pub",
      says: "one touch of a token signs the whole closure",
    },
  ],
  run: (context, given) => signWarrant(context, given),
  text: ({ file, principal, threshold, signatures }, paint) => {
    const count = signatures.filter(({ accepted }) => accepted === true).length;
    const next =
      count >= threshold
        ? `Next: nixseal warrant verify ${file}`
        : "Next: commit it and let another member run 'nixseal warrant sign'";
    return `${paint.good("signed")} ${file} as ${principal}: ${count} of ${threshold}\n\n${next}`;
  },
});

/** Adds the signature, after the person has seen what they sign. */
export function signWarrant(context: Context, given: z.output<typeof input>) {
  return withLockedFleet(context, "warrant sign", false, async ({ directory, fleet }) => {
    const path = resolve(context.workingDirectory, given.file);
    const envelope = await readWarrant(context.files, path, given.file);
    const trust = await openTrust(context, directory);
    const hosts = hostsOf(fleet, trust.root, envelope.warrant.subject);
    requireOrder(envelope, trust, hosts, given.file);
    const certificates = await usableCertificates(context, directory, envelope, trust, hosts, given);
    const { file: keyFile, key } = await findKey(
      context,
      given.key,
      certificates.map((one) => one.key),
      "key of a certificate with the right 'activate' there",
    );
    const certificate = certificates.find((one) => one.key.fingerprint === key.fingerprint)!;
    const principal = certificate.principals[0]!;
    const before = judged(envelope, trust, hosts[0]!);
    if (before.some((one) => one.accepted && (one.principal === principal || one.key === key.fingerprint)))
      throw new NixsealError("conflict", `${principal} has signed it already`, {
        hint: "another member must sign; a second signature by one member counts as one",
      });
    if (!given.yes) await ask(context, envelope, principal);
    const signature = await signWithKeygen(context, envelope.payload, warrantNamespace, keyFile);
    // SSHSIG does not cover the key blob, so that the certificate can speak for the key that signed: agents and
    // tokens then need not know of certificates. `judged` below holds the one against the other.
    const signed = {
      ...envelope,
      signatures: [...stillWanted(envelope, principal), { ...signature, signer: certificate }],
    };
    const verdicts = judged(signed, trust, hosts[0]!);
    const own = verdicts.at(-1)!;
    if (!own.accepted)
      throw new NixsealError("refused", `the signature would not count: ${own.reason} [${own.code}]`);
    await context.files.writeAtomic(path, formatWarrantEnvelope(signed), { mode: 0o644 });
    return {
      file: given.file,
      warrant: warrantView(signed),
      principal,
      key: key.fingerprint,
      threshold: Math.max(...hosts.map((host) => thresholdFor(trust.root, host))),
      signatures: verdicts.map(verdictView),
    };
  });
}

/** What nobody should put a name under, whoever it is. */
function requireOrder(
  { warrant }: WarrantEnvelope,
  { root, now }: OpenTrust,
  hosts: readonly Candidate[],
  file: string,
): void {
  const refuse = (message: string, hint: string): NixsealError =>
    new NixsealError("refused", message, { hint, where: { file } });
  if (warrant.fleet !== root.fleet)
    throw refuse(`it is a warrant of the fleet '${warrant.fleet}'`, "sign it in that fleet's directory");
  if (hosts.length === 0)
    throw refuse(
      `no host is in the group '${warrant.subject.name}'`,
      "'nixseal trust show' lists the groups",
    );
  if (now >= warrant.expires)
    throw refuse("the warrant has expired", "'nixseal warrant create' makes a new one");
}

function judged(
  envelope: WarrantEnvelope,
  { root, krl, now }: OpenTrust,
  host: Candidate,
): SignatureVerdict[] {
  return judgeSignatures(envelope, host, { root, revocations: krl, now });
}

/** A member's earlier signature that does not count (its certificate has ended) makes room for the new one. */
function stillWanted({ signatures }: WarrantEnvelope, principal: string): WarrantEnvelope["signatures"] {
  return signatures.filter(
    ({ signer }) => signer.type !== "certificate" || !signer.principals.includes(principal),
  );
}

async function ask(context: Context, envelope: WarrantEnvelope, principal: string): Promise<void> {
  const since = await changesOf(context, envelope, undefined);
  const shown = describeWarrant(warrantView(envelope), "valid", [], since, noPaint);
  // Whoever signs answers for what it says; a script that signs blindly has to say so.
  if (!(await context.person.askYesNo(`${shown}\nSign this as ${principal}?`)))
    throw new NixsealError("cancelled", "not signed");
}
