import { resolve } from "node:path";
import { utf8Text } from "../../core/bytes.ts";
import { at } from "../../core/errors.ts";
import { parseCertificateLine, type Certificate } from "../../ssh/certificate.ts";
import { readCertificateRecords } from "../../trust/certificates/record.ts";
import type { Context } from "../op.ts";

const largest = 64 << 10;

/** The named one; else one beside the named key and all that were issued, those that hold longest first. */
export async function memberCertificates(
  context: Pick<Context, "files" | "workingDirectory">,
  directory: string,
  given: { readonly key?: string | undefined; readonly certificate?: string | undefined },
): Promise<Certificate[]> {
  const { files, workingDirectory } = context;
  if (given.certificate !== undefined)
    return [await readOne(context, resolve(workingDirectory, given.certificate))];
  const beside = given.key === undefined ? null : certificateBeside(resolve(workingDirectory, given.key));
  const own =
    beside !== null && (await files.status(beside)) !== null ? [await readOne(context, beside)] : [];
  const issued = await readCertificateRecords(files, directory);
  return [...own, ...issued.sort((a, b) => (a.validBefore > b.validBefore ? -1 : 1))];
}

function certificateBeside(key: string): string {
  return `${key.replace(/(?:-cert)?\.pub$/, "")}-cert.pub`;
}

async function readOne({ files }: Pick<Context, "files">, file: string): Promise<Certificate> {
  try {
    const line = utf8Text(await files.read(file, { limit: largest }), "the certificate");
    return parseCertificateLine(line).certificate;
  } catch (error) {
    throw at(error, { file });
  }
}
