/** Making member certificates by `ssh-keygen -s`, so that the CA's key may be in an agent or a token. */
import { utf8, utf8Text } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import { parseCertificateLine, type Certificate } from "../../ssh/certificate.ts";
import { formatPublicKey } from "../../ssh/public-key-line.ts";
import type { PublicKey } from "../../ssh/public-key.ts";
import { runKeygen, type Signing } from "../root/sign.ts";
import { formatRights, rightsOption, type Rights } from "./rights.ts";

export interface CertificateRequest {
  readonly key: PublicKey;
  readonly member: string;
  readonly fleet: string;
  readonly serial: bigint;
  readonly validAfter: Date;
  readonly validBefore: Date;
  readonly rights: Rights;
}

/** Where the CA's private key is. */
export interface CaKey {
  /** A private key file; with `agent` the file of the public key. */
  readonly file: string;
  readonly agent: boolean;
}

/** The certificate and its line for a file. `tool` when ssh-keygen cannot sign. */
export async function issueCertificate(
  context: Signing,
  ca: CaKey,
  request: CertificateRequest,
): Promise<{ readonly certificate: Certificate; readonly line: string }> {
  const { files } = context;
  const { key, member, fleet, serial, validAfter, validBefore, rights } = request;
  const directory = await files.privateDirectory();
  try {
    await files.create(`${directory}/key.pub`, utf8(`${formatPublicKey(key, member)}\n`), { mode: 0o600 });
    const options = [
      `critical:${rightsOption}=${formatRights(rights)}`,
      ...(rights.touch === "uv" ? ["verify-required"] : []),
    ];
    const names = ["-I", `${fleet}/${member}/${serial}`, "-n", member, "-z", String(serial)];
    const times = ["-V", `${stamp(validAfter)}:${stamp(validBefore)}`];
    const args = ["-q", "-s", ca.file, ...(ca.agent ? ["-U"] : []), ...names, ...times, "-O", "clear"];
    for (const option of options) args.push("-O", option);
    args.push(`${directory}/key.pub`);
    await runKeygen(context, args);
    const bytes = await files.read(`${directory}/key-cert.pub`, { limit: 64 << 10 });
    const line = utf8Text(bytes, "the certificate of ssh-keygen");
    const { certificate } = parseCertificateLine(line);
    if (certificate.key.fingerprint !== key.fingerprint || certificate.serial !== serial)
      throw new NixsealError("refused", "ssh-keygen gave another certificate than the one asked for");
    return { certificate, line };
  } finally {
    await files.removeTree(directory);
  }
}

/** `YYYYMMDDHHMMSSZ`: without the Z it would be the time zone of this machine. */
function stamp(date: Date): string {
  return `${date.toISOString().slice(0, 19).replaceAll(/[-:T]/g, "")}Z`;
}
