import { resolve } from "node:path";
import { utf8Text } from "../../core/bytes.ts";
import { at } from "../../core/errors.ts";
import { parseCertificateLine, type Certificate } from "../../ssh/certificate.ts";
import type { Context } from "../op.ts";

const largest = 64 << 10;

/** The certificate that was named, or the one beside the named key as ssh-keygen writes it; null without. */
export async function ownCertificate(
  { files, workingDirectory }: Pick<Context, "files" | "workingDirectory">,
  given: { readonly key?: string | undefined; readonly certificate?: string | undefined },
): Promise<Certificate | null> {
  const named = given.certificate === undefined ? null : resolve(workingDirectory, given.certificate);
  const beside = given.key === undefined ? null : certificateBeside(resolve(workingDirectory, given.key));
  const file = named ?? beside;
  if (file === null || (named === null && (await files.status(file)) === null)) return null;
  try {
    return parseCertificateLine(utf8Text(await files.read(file, { limit: largest }), "the certificate"))
      .certificate;
  } catch (error) {
    throw at(error, { file });
  }
}

/** `id_ed25519-cert.pub` of `id_ed25519` or `id_ed25519.pub`. */
export function certificateBeside(key: string): string {
  return `${key.replace(/(?:-cert)?\.pub$/, "")}-cert.pub`;
}
