/** The fleet's revocation list: `trust/krl`, as sshd and ssh-keygen read it, and its signature beside it. */
import { at, NixsealError } from "../../core/errors.ts";
import { utf8, utf8Text } from "../../core/bytes.ts";
import type { Files } from "../../core/file-ports.ts";
import { formatPublicKey } from "../../ssh/public-key-line.ts";
import type { Fingerprint, PublicKey } from "../../ssh/public-key.ts";
import { armorSshSig, parseArmoredSshSig, type SshSig } from "../../ssh/sshsig.ts";
import { runKeygen, type Signing } from "../root/sign.ts";
import type { FileReader } from "../root/store.ts";
import type { KrlEvidence } from "./decide.ts";

export const krlFile = "trust/krl";
export const krlSignatureFile = "trust/krl.sig";

const largestKrl = 16 << 20;
/** A list is made by no key, so nobody is asked for anything. */
const nothing = new Uint8Array();
const largestSignature = 64 << 10;

/** What is to be revoked from now on. */
export interface NewRevocations {
  /** Serials under one CA each: another CA may have used the same number. */
  readonly serials: readonly { readonly ca: PublicKey; readonly serial: bigint }[];
  /** Keys, with every certificate for them. */
  readonly keys: readonly Fingerprint[];
}

/** The list and its signature; null when the fleet has none. A list without a signature is `refused`. */
export async function readKrl(files: FileReader, directory: string): Promise<KrlEvidence | null> {
  if ((await files.statusOfLink(`${directory}/${krlFile}`)) === null) return null;
  const file = await files.read(`${directory}/${krlFile}`, { limit: largestKrl, follow: false });
  if ((await files.statusOfLink(`${directory}/${krlSignatureFile}`)) === null)
    throw new NixsealError("refused", "the revocation list has no signature", {
      hint: "'nixseal trust revoke --renew' signs it anew",
      where: { file: krlFile },
    });
  const armored = await files.read(`${directory}/${krlSignatureFile}`, {
    limit: largestSignature,
    follow: false,
  });
  try {
    return { file, signatures: [parseArmoredSshSig(utf8Text(armored, "the signature"))] };
  } catch (error) {
    throw at(error, { file: krlSignatureFile });
  }
}

/**
 * The list of `version`: all that `before` revokes, and the new. Made by `ssh-keygen -k`, which also tells that
 * stock tools read it.
 */
export async function extendKrl(
  context: Signing,
  before: Uint8Array | null,
  { serials, keys }: NewRevocations,
  version: bigint,
): Promise<Uint8Array> {
  const { files } = context;
  const directory = await files.privateDirectory();
  try {
    const list = `${directory}/krl`;
    if (before !== null) await files.create(list, before, { mode: 0o600 });
    const cas = new Map(serials.map(({ ca }) => [ca.fingerprint, ca]));
    const specs = [
      { ca: null, lines: keys.map((key) => `hash: ${key}`) },
      ...[...cas.values()].map((ca) => ({
        ca,
        lines: serials.flatMap((one) =>
          one.ca.fingerprint === ca.fingerprint ? [`serial: ${one.serial}`] : [],
        ),
      })),
    ];
    let exists = before !== null;
    for (const [index, { ca, lines }] of specs.entries()) {
      const spec = `${directory}/spec-${index}`;
      const caFile = `${directory}/ca-${index}.pub`;
      await files.create(spec, utf8(lines.map((line) => `${line}\n`).join("")), { mode: 0o600 });
      if (ca !== null) await files.create(caFile, utf8(`${formatPublicKey(ca)}\n`), { mode: 0o600 });
      const args = ["-q", "-k", "-f", list, "-z", String(version), ...(exists ? ["-u"] : [])];
      if (ca !== null) args.push("-s", caFile);
      await runKeygen(context, [...args, spec], nothing);
      exists = true;
    }
    return await files.read(list, { limit: largestKrl });
  } finally {
    await files.removeTree(directory);
  }
}

/** Killed between the two files, the list does not verify and nothing is accepted by it: git has the old pair. */
export async function writeKrl(
  files: Pick<Files, "writeAtomic" | "makeDirectory">,
  directory: string,
  krl: Uint8Array,
  signature: SshSig,
): Promise<void> {
  await files.makeDirectory(`${directory}/trust`, { mode: 0o755, parents: true });
  await files.writeAtomic(`${directory}/${krlSignatureFile}`, utf8(armorSshSig(signature)), { mode: 0o644 });
  await files.writeAtomic(`${directory}/${krlFile}`, krl, { mode: 0o644 });
}
