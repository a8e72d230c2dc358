import { resolve } from "node:path";
import * as z from "zod";
import { utf8 } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import * as rules from "../../inventory/field-rules.ts";
import type { Member } from "../../inventory/model.ts";
import { parseSelectorEntry } from "../../inventory/selector-entry.ts";
import { oneMember, selectHosts } from "../../inventory/selectors.ts";
import { parsePublicKeyLine } from "../../ssh/public-key-line.ts";
import type { PublicKey } from "../../ssh/public-key.ts";
import { revocationOf } from "../../ssh/revocations.ts";
import { decideRight } from "../../trust/certificates/decide.ts";
import { issueCertificate } from "../../trust/certificates/issue.ts";
import { writeCertificateRecord } from "../../trust/certificates/record.ts";
import { rights, type Right } from "../../trust/certificates/rights.ts";
import { formatTime } from "../../trust/root/root.ts";
import { withLockedFleet } from "../locked-fleet.ts";
import { matching } from "../matching.ts";
import { op, type Context } from "../op.ts";
import { caKey, findKey, publicKeys } from "./key-file.ts";
import { openTrust, refusedBy } from "./open.ts";
import { endOf, fleetName } from "./root-flags.ts";

const longestDays = 90;

export const trustIssue = op({
  effect: "write",
  input: z.object({
    member: z.string().describe("whose certificate it is"),
    rights: z
      .string()
      .meta({ value: "RIGHT,…" })
      .describe(`what it gives: ${rights.join(", ")}`),
    hosts: z
      .array(z.string())
      .min(1, { error: "name at least one host" })
      .meta({ value: "SELECTOR" })
      .describe("where: names, globs, tag:T, !name; repeatable, or with commas between"),
    for: matching(rules.duration)
      .meta({ value: "DURATION" })
      .describe(`from now on, at most ${longestDays}d`),
    key: z
      .string()
      .meta({ value: "FILE" })
      .describe("the member's public key, one of fleet.toml (default: the only one there)")
      .optional(),
    ca: z
      .string()
      .meta({ value: "FILE" })
      .describe("the CA's key; for one in an agent its .pub file (default: one in ~/.ssh)")
      .optional(),
    maxClosureBytes: z.int().min(1).meta({ value: "N" }).describe("the largest closure to upload").optional(),
    touch: z
      .enum(["up", "uv"])
      .describe("only with a token: touched (up), or with PIN or finger (uv)")
      .optional(),
    out: z
      .string()
      .meta({ value: "FILE" })
      .describe("a copy for the member, such as id_ed25519-cert.pub")
      .optional(),
  }),
  positional: ["member"],
  output: z.object({
    member: z.string(),
    serial: z.string(),
    rights: z.array(z.string()),
    hosts: z.array(z.string()),
    matches: z.array(z.string()).describe("the hosts that the selectors pick today"),
    validBefore: z.string(),
    key: z.string(),
    ca: z.string(),
    file: z.string(),
    out: z.string().nullable(),
  }),
  examples: [
    {
      command: "nixseal trust issue alice --rights upload,activate --hosts tag:web --for 12h",
      says: "for a day's work on the web servers",
    },
  ],
  run: async (context, given) =>
    withLockedFleet(context, `trust issue ${given.member}`, false, async ({ directory, fleet }) => {
      const { files, random, workingDirectory } = context;
      const member = oneMember(fleet, given.member);
      const hosts = given.hosts.flatMap((word) => word.split(","));
      const picked = selectHosts(fleet, hosts);
      const { root, krl, now } = await openTrust(context, directory);
      const key = await memberKey(context, member, given.key);
      const revoked = krl === null ? null : revocationOf(krl, key);
      if (revoked !== null)
        throw new NixsealError("refused", `${revoked}: ${key.fingerprint}`, {
          hint: `give ${member.name} a new key in fleet.toml; what is revoked stays revoked`,
        });
      const ca = await findKey(context, given.ca, root.ca.keys, "CA key");
      if (rules.seconds(given.for) > longestDays * 86_400)
        throw new NixsealError("usage", `--for: at most ${longestDays}d`, {
          hint: "short certificates need no revoking; issue a new one when it ends",
        });
      const request = {
        key,
        member: member.name,
        fleet: fleetName(fleet),
        serial: serialFrom(random.bytes(8)),
        validAfter: new Date(Math.floor(now.getTime() / 1000) * 1000),
        validBefore: endOf(now, given.for),
        rights: {
          rights: rightsFrom(given.rights),
          hosts: hosts.map((text) => parseSelectorEntry(text)!),
          maxClosureBytes: given.maxClosureBytes ?? null,
          touch: given.touch ?? null,
        },
      };
      if (request.rights.touch !== null && !key.type.startsWith("sk-"))
        throw new NixsealError("usage", `--touch needs a key on a token, not ${key.type}`);
      const { certificate, line } = await issueCertificate(context, await caKey(context, ca), request);
      // The verifier has the last word: what it would refuse is not handed out.
      const first = { name: picked[0]!.name, labels: picked[0]!.tags };
      const question = { certificate, right: request.rights.rights[0]!, host: first };
      const decision = decideRight(question, { root, revocations: krl, now });
      if (!decision.accepted) throw refusedBy(decision, given.member);
      const file = await writeCertificateRecord(files, directory, certificate, line);
      if (given.out !== undefined)
        await files.writeAtomic(resolve(workingDirectory, given.out), utf8(line), { mode: 0o644 });
      return {
        member: member.name,
        serial: String(request.serial),
        rights: [...request.rights.rights],
        hosts,
        matches: picked.map(({ name }) => name),
        validBefore: formatTime(request.validBefore),
        key: key.fingerprint,
        ca: ca.key.fingerprint,
        file,
        out: given.out ?? null,
      };
    }),
  text: ({ member, serial, rights: given, hosts, matches, validBefore, key, ca, file, out }) =>
    `issued ${file}${out === null ? "" : ` and ${out}`}
${member} may ${given.join(", ")} on ${hosts.join(" ")} (now: ${matches.join(", ")}) until ${validBefore}
key ${key}, CA ${ca}, serial ${serial}

It is no login: sshd refuses it. 'nixseal trust revoke ${serial}' takes it back`,
});

function rightsFrom(words: string): Right[] {
  return words.split(",").map((word) => {
    const right = rights.find((known) => known === word);
    if (right !== undefined) return right;
    throw new NixsealError("usage", `--rights: '${word.slice(0, 64)}' is no right`, {
      hint: `the rights are ${rights.join(", ")}`,
    });
  });
}

/** Only keys that fleet.toml gives the member: revoking the member finds them there. */
async function memberKey(context: Context, member: Member, given: string | undefined): Promise<PublicKey> {
  const known = member.keys.map(({ line }) => parsePublicKeyLine(line).key);
  const [only, second] = known;
  if (given !== undefined) {
    const [key] = await publicKeys(context, [given]);
    const found = known.find(({ fingerprint }) => fingerprint === key!.fingerprint);
    if (found !== undefined) return found;
    throw new NixsealError("refused", `${key!.fingerprint} is no key of ${member.name}`, {
      hint: `add it to the member's keys in ${member.file} first`,
    });
  }
  if (only === undefined)
    throw new NixsealError("config", `${member.name} has no SSH key in ${member.file}`, {
      hint: "a certificate is for an SSH key: add one to its keys",
    });
  if (second === undefined) return only;
  throw new NixsealError("usage", `${member.name} has ${known.length} keys, so --key is needed`, {
    hint: "--key FILE names the public key that the certificate is for",
  });
}

/** Random, so that two operators with one CA need not talk; never 0, which stands for no serial. */
function serialFrom(bytes: Uint8Array): bigint {
  const number = Buffer.from(bytes).readBigUInt64BE() >> 1n;
  return number === 0n ? 1n : number;
}
