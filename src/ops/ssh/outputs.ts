/** Keys, certificates and refusals as the ssh verbs print them. */
import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import { optionText, type Certificate, type CertificateOption } from "../../ssh/certificate.ts";
import type { PublicKey } from "../../ssh/public-key.ts";
import { refusalCodes } from "../../ssh/refusal.ts";
import { oneLine } from "../one-line.ts";
import type { Paint } from "../op.ts";

export const keySchema = z.object({
  type: z.string(),
  fingerprint: z.string(),
  bits: z.number().optional().describe("of RSA keys"),
  application: z.string().optional().describe("of FIDO keys"),
});

export const optionSchema = z.object({
  name: z.string(),
  value: z.string().nullable().describe("null for a flag"),
});

export const certificateSchema = z.object({
  type: z.string(),
  key: keySchema,
  ca: keySchema,
  kind: z.enum(["user", "host"]),
  keyId: z.string(),
  serial: z.string().describe("decimal: it may be larger than a JSON number can be"),
  principals: z.array(z.string()),
  validAfter: z.string().nullable().describe("null: since ever"),
  validBefore: z.string().nullable().describe("null: for ever"),
  criticalOptions: z.array(optionSchema),
  extensions: z.array(optionSchema),
});

export const refusalSchema = z.object({
  accepted: z.literal(false),
  code: z.enum(refusalCodes),
  reason: z.string(),
});

export function keyOutput(key: PublicKey): z.output<typeof keySchema> {
  return {
    type: key.type,
    fingerprint: key.fingerprint,
    ...("bits" in key ? { bits: key.bits } : {}),
    ...("application" in key ? { application: key.application } : {}),
  };
}

export function certificateOutput(certificate: Certificate): z.output<typeof certificateSchema> {
  return {
    type: certificate.certificateType,
    key: keyOutput(certificate.key),
    ca: keyOutput(certificate.caKey),
    kind: certificate.kind,
    keyId: certificate.keyId,
    serial: String(certificate.serial),
    principals: [...certificate.principals],
    validAfter: certificate.validAfter === 0n ? null : timeText(certificate.validAfter),
    validBefore: timeText(certificate.validBefore),
    criticalOptions: certificate.criticalOptions.map(optionOutput),
    extensions: certificate.extensions.map(optionOutput),
  };
}

/** A refusal for people. */
export function refusalText({ code, reason }: z.output<typeof refusalSchema>, paint: Paint): string {
  return `${paint.bad("refused")}: ${oneLine(reason)} [${code}]`;
}

/** Null beyond what a date can be, which is for ever: the year 275760. */
function timeText(seconds: bigint): string | null {
  return seconds > 8_640_000_000_000n ? null : new Date(Number(seconds) * 1000).toISOString();
}

/** As ssh-keygen -L: what is not one text is shown in hex. */
function optionOutput(option: CertificateOption): z.output<typeof optionSchema> {
  if (option.data.length === 0) return { name: option.name, value: null };
  try {
    return { name: option.name, value: optionText(option) };
  } catch (error) {
    if (!(error instanceof NixsealError)) throw error;
    return { name: option.name, value: `0x${Buffer.from(option.data).toString("hex")}` };
  }
}
