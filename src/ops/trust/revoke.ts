import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import type { Fleet, MemberName } from "../../inventory/model.ts";
import type { Certificate } from "../../ssh/certificate.ts";
import type { Fingerprint } from "../../ssh/public-key.ts";
import { parseKrl } from "../../ssh/krl.ts";
import { decideKrl, digestOf, krlNamespace } from "../../trust/certificates/decide.ts";
import { readCertificateRecords } from "../../trust/certificates/record.ts";
import {
  extendKrl,
  krlFile,
  writeKrl,
  type NewRevocations,
} from "../../trust/certificates/revocation-list.ts";
import type { Root } from "../../trust/root/root.ts";
import { latest } from "../../trust/root/seen.ts";
import { signWithKeygen } from "../../trust/root/sign.ts";
import { fingerprintPattern } from "../fingerprint.ts";
import { withLockedFleet } from "../locked-fleet.ts";
import { op, type Context } from "../op.ts";
import { findKey, publicKeys } from "./key-file.ts";
import { readMemory } from "./memory.ts";
import { openTrust, refusedBy } from "./open.ts";

export const trustRevoke = op({
  effect: "write",
  input: z.object({
    what: z
      .array(z.string())
      .default([])
      .meta({ value: "MEMBER|SERIAL|KEY" })
      .describe("a member with all keys and certificates, a serial, a .pub file or a SHA256: fingerprint"),
    ca: z
      .string()
      .meta({ value: "FILE" })
      .describe("the CA key that signs the list; for one in an agent its .pub file (default: one in ~/.ssh)")
      .optional(),
    renew: z
      .boolean()
      .default(false)
      .describe("sign what is revoked anew, also with a CA key that came later"),
  }),
  positional: ["what"],
  output: z.object({
    version: z.string(),
    keys: z.array(z.string()),
    serials: z.array(z.string()),
    files: z.array(z.string()),
    signedWith: z.string(),
  }),
  examples: [
    { command: "nixseal trust revoke bob", says: "everything of bob's" },
    { command: "nixseal trust revoke 4711", says: "one certificate" },
    { command: "nixseal trust revoke lost-laptop.pub", says: "a key, with every certificate for it" },
  ],
  run: async (context, { what, ca: given, renew }) =>
    withLockedFleet(context, "trust revoke", false, async ({ directory, fleet }) => {
      if ((what.length === 0) !== renew)
        throw new NixsealError("usage", renew ? "--renew takes nothing else" : "nothing is named", {
          hint: "name a member, a serial or a key; --renew alone signs the list anew",
        });
      const { files } = context;
      const { root, krl, krlBytes, now } = await openTrust(context, directory, { foreignKrl: renew });
      const records = await readCertificateRecords(files, directory);
      const wanted = await subjects(context, fleet, root, records, what);
      const memory = await readMemory(context, directory);
      const seen = latest(memory.seen, memory.formerly);
      if (krl === null && krlBytes !== null && digestOf(krlBytes) !== seen.krl?.digest)
        // Signed by no CA of today, it could be anybody's: signing it would give back what somebody took out of it.
        throw new NixsealError("refused", "this clone has never seen this revocation list signed", {
          hint: "run it where the list was verified before the CA key went, or take the list from git",
          where: { file: krlFile },
        });
      const before = krlBytes === null ? 0n : parseKrl(krlBytes).version;
      // Above whatever this machine has seen too: a list that was lost must not be shadowed by another of its number.
      const version = (seen.krl !== null && seen.krl.version > before ? seen.krl.version : before) + 1n;
      const ca = await findKey(context, given, root.ca.keys, "CA key");
      const next = await extendKrl(context, krlBytes, wanted, version);
      const signature = await signWithKeygen(context, next, krlNamespace, ca.file);
      const decision = decideKrl({ file: next, signatures: [signature] }, { root, seen: seen.krl, now });
      if (!decision.accepted) throw refusedBy(decision, krlFile);
      await writeKrl(files, directory, next, signature);
      await openTrust(context, directory); // remembers it
      warnOfRoles(context, root, wanted.keys);
      return {
        version: String(version),
        keys: [...wanted.keys],
        serials: wanted.serials.map(({ serial }) => String(serial)),
        files: [krlFile, `${krlFile}.sig`],
        signedWith: ca.key.fingerprint,
      };
    }),
  text: ({ version, keys, serials, files, signedWith }) => {
    const lines = [
      ...keys.map((key) => `revoked ${key}`),
      ...serials.map((serial) => `revoked serial ${serial}`),
    ];
    return `${lines.map((line) => `${line}\n`).join("")}revocation list ${version} in ${files.join(", ")}, signed by ${signedWith}

Next: commit trust/ and deploy: a host goes by the newest list that it has seen`;
  },
});

/** The list says nothing about the root: a key that it names stays in its role until the root is rotated. */
function warnOfRoles({ emit }: Context, root: Root, keys: readonly Fingerprint[]): void {
  const isOne = ({ fingerprint }: { fingerprint: Fingerprint }): boolean => keys.includes(fingerprint);
  if (root.ca.keys.some(isOne))
    emit({
      type: "warning",
      message: "a CA key is among them: every certificate that it issued is revoked with it",
      hint: "'nixseal trust rotate --add-ca-key FILE --remove-ca-key SHA256:…' puts another in its place",
    });
  if (root.root.keys.some(isOne))
    emit({
      type: "warning",
      message: "a root key is among them, and signs roots until the root is rotated",
      hint: "'nixseal trust rotate --add-root-key FILE --remove-root-key SHA256:…' puts another in its place",
    });
}

async function subjects(
  context: Context,
  fleet: Fleet,
  root: Root,
  records: readonly Certificate[],
  words: readonly string[],
): Promise<NewRevocations> {
  const keys = new Set<Fingerprint>();
  const serials = new Map<string, NewRevocations["serials"][number]>();
  const certificate = ({ caKey, serial }: Certificate): void => {
    serials.set(`${caKey.fingerprint} ${serial}`, { ca: caKey, serial });
  };
  for (const word of words) {
    const mine = records.filter(({ principals }) => principals.includes(word));
    const member = fleet.members.get(word as MemberName);
    if (member !== undefined || mine.length > 0) {
      for (const { fingerprint } of member?.keys ?? []) keys.add(fingerprint);
      for (const one of mine) {
        keys.add(one.key.fingerprint);
        certificate(one);
      }
    } else if (/^[1-9][0-9]{0,19}$/.test(word) && BigInt(word) < 2n ** 64n) {
      const serial = BigInt(word);
      const known = records.filter((one) => one.serial === serial);
      for (const one of known) certificate(one);
      // No record of it: whichever CA gave it.
      if (known.length === 0)
        for (const ca of root.ca.keys) serials.set(`${ca.fingerprint} ${word}`, { ca, serial });
    } else if (fingerprintPattern.pattern.test(word)) keys.add(word as Fingerprint);
    else for (const { fingerprint } of await keysOf(context, word)) keys.add(fingerprint);
  }
  return { keys: [...keys], serials: [...serials.values()] };
}

async function keysOf(context: Context, word: string): Promise<readonly { fingerprint: Fingerprint }[]> {
  try {
    return await publicKeys(context, [word]);
  } catch (error) {
    if (!(error instanceof NixsealError) || error.code !== "not-found") throw error;
    throw new NixsealError("not-found", `'${word}' is no member, serial, fingerprint or key file`, {
      hint: "'nixseal member list' shows members; trust/certificates/ has what was issued",
    });
  }
}
