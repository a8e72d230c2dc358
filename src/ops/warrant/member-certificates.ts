import { resolve } from "node:path";
import { utf8Text } from "../../core/bytes.ts";
import { at, NixsealError } from "../../core/errors.ts";
import type { Candidate } from "../../inventory/selector-entry.ts";
import { parseCertificateLine, type Certificate } from "../../ssh/certificate.ts";
import { decideRight } from "../../trust/certificates/decide.ts";
import { readCertificateRecords } from "../../trust/certificates/record.ts";
import type { Context } from "../op.ts";
import { certificateBeside } from "../commits/own-certificate.ts";
import type { OpenTrust } from "../trust/open.ts";

const largest = 64 << 10;

/** Those that give the right to activate on every host, closures of `size` bytes where there is one. `refused` with the reason when there is none. */
export async function usableCertificates(
  context: Pick<Context, "files" | "workingDirectory">,
  directory: string,
  size: number | null,
  { root, krl, now }: OpenTrust,
  hosts: readonly Candidate[],
  given: { readonly key?: string | undefined; readonly certificate?: string | undefined },
): Promise<Certificate[]> {
  const all = await memberCertificates(context, directory, given);
  const refusals: string[] = [];
  const usable = all.filter((certificate) =>
    hosts.every((host) => {
      const closure = size === null ? {} : { closureBytes: size };
      const question = { certificate, right: "activate" as const, host, ...closure };
      const decision = decideRight(question, { root, revocations: krl, now });
      if (!decision.accepted) refusals.push(`${certificate.keyId}: ${decision.reason}`);
      return decision.accepted;
    }),
  );
  if (usable.length > 0) return usable;
  throw new NixsealError(
    "refused",
    all.length === 0
      ? "there is no member certificate"
      : `no certificate gives the right: ${refusals.at(-1)!}`,
    {
      hint: "a holder of the CA issues one: nixseal trust issue MEMBER --rights activate --hosts HOST --for 12h",
    },
  );
}

/** The named one; else one beside the named key and all that were issued, those that hold longest first. */
async function memberCertificates(
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

async function readOne({ files }: Pick<Context, "files">, file: string): Promise<Certificate> {
  try {
    const line = utf8Text(await files.read(file, { limit: largest }), "the certificate");
    return parseCertificateLine(line).certificate;
  } catch (error) {
    throw at(error, { file });
  }
}
