/**
 * The certificates that were issued, in `trust/certificates/MEMBER.SERIAL-cert.pub`: public, stock files. Revoking a
 * member looks here; what has expired may be deleted.
 */
import { utf8, utf8Text } from "../../core/bytes.ts";
import { at, NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import { parseCertificateLine, type Certificate } from "../../ssh/certificate.ts";

export const certificatesDirectory = "trust/certificates";
const mostRecords = 100_000;

export function recordFile(member: string, serial: bigint): string {
  return `${certificatesDirectory}/${member}.${serial}-cert.pub`;
}

export async function writeCertificateRecord(
  files: Pick<Files, "create" | "makeDirectory">,
  directory: string,
  certificate: Certificate,
  line: string,
): Promise<string> {
  const file = recordFile(certificate.principals[0]!, certificate.serial);
  await files.makeDirectory(`${directory}/${certificatesDirectory}`, { mode: 0o755, parents: true });
  await files.create(`${directory}/${file}`, utf8(line), { mode: 0o644 });
  return file;
}

/** Every record; a file that is no certificate is an error, or a revocation would pass over it. */
export async function readCertificateRecords(
  files: Pick<Files, "list" | "read" | "statusOfLink">,
  directory: string,
): Promise<Certificate[]> {
  const path = `${directory}/${certificatesDirectory}`;
  if ((await files.statusOfLink(path)) === null) return [];
  const names = (await files.list(path)).filter((name) => name.endsWith("-cert.pub"));
  if (names.length > mostRecords)
    throw new NixsealError("limit", `more than ${mostRecords} certificates`, {
      hint: "delete those that have expired",
      where: { file: certificatesDirectory },
    });
  const certificates: Certificate[] = [];
  for (const name of names) {
    try {
      const bytes = await files.read(`${path}/${name}`, { limit: 64 << 10, follow: false });
      certificates.push(parseCertificateLine(utf8Text(bytes, "the certificate")).certificate);
    } catch (error) {
      throw at(error, { file: `${certificatesDirectory}/${name}` });
    }
  }
  return certificates;
}
