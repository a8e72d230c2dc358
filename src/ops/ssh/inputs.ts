/** The files that the ssh verbs read, with the file's name in every error. */
import { resolve } from "node:path";
import { utf8Text } from "../../core/bytes.ts";
import { NixsealError, at } from "../../core/errors.ts";
import { parseAllowedSigners, type AllowedSigner } from "../../ssh/allowed-signers.ts";
import { parseCertificateLine, type Certificate } from "../../ssh/certificate.ts";
import { parsePublicKeyLine } from "../../ssh/public-key-line.ts";
import type { PublicKey } from "../../ssh/public-key.ts";
import { parseRevocations } from "../../ssh/revocation-file.ts";
import type { Revocations } from "../../ssh/revocations.ts";
import { parseArmoredSshSig, type SshSig } from "../../ssh/sshsig.ts";
import { parseTimestamp } from "../../ssh/timestamp.ts";
import type { Context } from "../op.ts";

type Reader = Pick<Context, "files" | "workingDirectory">;

const largest = 16 << 20;

export function readSignature(context: Reader, file: string): Promise<SshSig> {
  return readFile(context, file, (bytes) => parseArmoredSshSig(utf8Text(bytes, "signature file")));
}

export function readSigners(context: Reader, file: string): Promise<readonly AllowedSigner[]> {
  return readFile(context, file, (bytes) => parseAllowedSigners(utf8Text(bytes, "allowed signers file")));
}

export function readRevocations(context: Reader, file: string): Promise<Revocations> {
  return readFile(context, file, parseRevocations);
}

/** The key or certificate of a `.pub` file, which holds one line. */
export function readKeyFile(
  context: Reader,
  file: string,
): Promise<{ subject: PublicKey | Certificate; comment: string }> {
  return readFile(context, file, (bytes) => {
    const line = utf8Text(bytes, "key file");
    if (!/^\s*\S+-cert-v01@openssh\.com\s/.test(line)) {
      const { key, comment } = parsePublicKeyLine(line);
      return { subject: key, comment };
    }
    const { certificate, comment } = parseCertificateLine(line);
    return { subject: certificate, comment };
  });
}

/** What `--verify-time` says, else the present. */
export function verifyTime(context: Pick<Context, "clock">, text: string | undefined): Date {
  const time = text === undefined ? context.clock.now() : parseTimestamp(text);
  if (time !== null) return time;
  throw new NixsealError("usage", `'${text}' is not a time`, {
    hint: "write YYYYMMDD[HHMM[SS]], with Z for UTC",
  });
}

async function readFile<T>(context: Reader, file: string, parse: (bytes: Uint8Array) => T): Promise<T> {
  const bytes = await context.files.read(resolve(context.workingDirectory, file), { limit: largest });
  try {
    return parse(bytes);
  } catch (error) {
    throw at(error, { file });
  }
}
