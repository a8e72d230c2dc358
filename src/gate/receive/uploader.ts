/** Whether whoever has logged in may upload what no warrant names: which member it is, and by which certificate. */
import { join } from "node:path";
import { hex, utf8, utf8Text } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import type { Candidate } from "../../inventory/selector-entry.ts";
import { parseCertificateLine, type Certificate } from "../../ssh/certificate.ts";
import type { PublicKey } from "../../ssh/public-key.ts";
import { decideRight, type RightPolicy } from "../../trust/certificates/decide.ts";
import type { Login } from "./login.ts";

export interface Uploader {
  readonly member: string;
  readonly certificate: Certificate;
  /** Bytes that may be held for the member at once; null where the certificate names no limit. */
  readonly most: number | null;
}

export interface UploaderPolicy {
  readonly host: Candidate;
  readonly right: RightPolicy;
}

export type CertificateFiles = Pick<Files, "list" | "makeDirectory" | "read" | "writeAtomic">;

export const largestCertificate = 64 << 10;
/** Of one host's members. More are not looked through. */
const mostKept = 1000;

/**
 * Member certificates say what their holder may do, and a critical option keeps sshd from taking them for a login: one logs in with the
 * same key, bare or with a login certificate, and shows the member certificate once (`nixseal-gate present`). It is kept by
 * its key until it ends. It is no secret, and having it proves nothing: that sshd has seen the key does.
 */
export async function showCertificate(
  files: CertificateFiles,
  directory: string,
  line: string,
  login: Login,
  policy: UploaderPolicy,
): Promise<Uploader> {
  const { certificate } = parseCertificateLine(line);
  if (
    login.keys !== null &&
    !login.keys.some(({ fingerprint }) => fingerprint === certificate.key.fingerprint)
  )
    throw refused("the certificate is for another key than the one that logged in", {
      hint: "log in with the key that the certificate is for: ssh -i",
    });
  const uploader = judge(certificate, login, policy);
  await files.makeDirectory(directory, { mode: 0o700, parents: true });
  await files.writeAtomic(join(directory, fileOf(certificate.key)), utf8(line), { mode: 0o600 });
  return uploader;
}

/** Throws `refused` with the way to become one. */
export async function findUploader(
  files: CertificateFiles,
  directory: string,
  login: Login,
  policy: UploaderPolicy,
): Promise<Uploader> {
  if (login.keys === null && login.member === null)
    throw refused("sshd does not say whose key has logged in", {
      hint: "on the host, set 'ExposeAuthInfo yes' in sshd_config for the deploy user",
    });
  const names = login.keys === null ? await kept(files, directory) : login.keys.map((key) => fileOf(key));
  let why: NixsealError | null = null;
  for (const name of names) {
    const certificate = await read(files, join(directory, name));
    // The directory is the deploy user's: a file is what is in it, not what its name says.
    if (certificate === null || fileOf(certificate.key) !== name) continue;
    try {
      return judge(certificate, login, policy);
    } catch (error) {
      if (!(error instanceof NixsealError) || error.code !== "refused") throw error;
      // With one key there is one certificate, and its reason is what the person needs. Of all that are kept, most are others'.
      if (login.keys !== null) why = error;
    }
  }
  throw why ?? refused("no certificate for uploads was shown for this login");
}

function judge(certificate: Certificate, login: Login, { host, right }: UploaderPolicy): Uploader {
  const given = decideRight({ certificate, right: "upload", host }, right);
  if (!given.accepted) throw refused(given.reason);
  if (login.member !== null && given.principal !== login.member)
    throw refused(`the key logs in as ${login.member}, but the certificate is that of ${given.principal}`);
  // sshd says which key it was, not whether its user was verified.
  if (given.userVerification)
    throw refused("the certificate asks for a verified user, which a login does not show", {
      hint: "issue one for uploads without touch = uv",
    });
  return { member: given.principal, certificate, most: given.rights.maxClosureBytes };
}

async function kept(files: CertificateFiles, directory: string): Promise<string[]> {
  try {
    return (await files.list(directory)).slice(0, mostKept);
  } catch (error) {
    if (error instanceof NixsealError && error.code === "not-found") return [];
    throw error;
  }
}

async function read(files: CertificateFiles, path: string): Promise<Certificate | null> {
  try {
    const text = utf8Text(await files.read(path, { limit: largestCertificate, follow: false }), path);
    return parseCertificateLine(text).certificate;
  } catch (error) {
    // Gone, or not one that anybody could be judged by.
    if (error instanceof NixsealError && error.code !== "bug") return null;
    throw error;
  }
}

function fileOf(key: PublicKey): string {
  return `${hex(Buffer.from(key.fingerprint.slice("SHA256:".length), "base64"))}.pub`;
}

function refused(message: string, { hint }: { readonly hint?: string } = {}): NixsealError {
  return new NixsealError("refused", message, {
    hint: hint ?? "show one for this key: ssh USER@HOST nixseal-gate present < CERTIFICATE-cert.pub",
  });
}
