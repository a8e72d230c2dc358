/** What the root side of the gate is told: one message, one line of canonical JSON. A closed union; nothing else has a meaning. */
import { base64, utf8, utf8Text } from "../core/bytes.ts";
import { canonicalJson, type Json } from "../core/canonical-json.ts";
import { NixsealError } from "../core/errors.ts";
import { list, nullable, object, oneOf, text } from "../core/shape.ts";
import { follows, name } from "../inventory/field-rules.ts";
import { parseStorePath } from "../nix/store-path.ts";
import { parseCertificate } from "../ssh/certificate.ts";
import { armorSshSig, parseArmoredSshSig, type SshSig } from "../ssh/sshsig.ts";
import { asMalformed, parseJson } from "../trust/root/root.ts";
import {
  formatWarrantEnvelope,
  parseWarrantEnvelope,
  type WarrantEnvelope,
} from "../trust/warrant/envelope.ts";
import { checkJsonBudget } from "../trust/warrant/json-budget.ts";
import type { Head } from "../trust/warrant/state.ts";
import { warrantLimits } from "../trust/warrant/limits.ts";
import { formatStatusBundle, parseStatusBundle, type StatusBundle } from "../trust/warrant/status-bundle.ts";
import {
  bytesOf,
  carried,
  count,
  digest,
  enclosed,
  fence,
  flag,
  logHead,
  textOf,
  type Fence,
} from "./message-fields.ts";
import { messageLimit } from "./message-limits.ts";
import type { RebootMessage } from "./reboot-message.ts";
import { readSecretsMessage, secretsMessageJson, type SecretsMessage } from "./secrets/message.ts";
import type { StoreMessage } from "./store-message.ts";

/** As `switch-to-configuration` names them. */
export const gateActions = ["switch", "boot", "test", "dry-activate"] as const;
export type GateAction = (typeof gateActions)[number];

/** A warrant to be kept as pending, so that its paths may be uploaded. */
export interface OfferMessage {
  readonly kind: "offer";
  readonly warrant: WarrantEnvelope;
  /** Payloads of the warrants that this host missed: their digests are what links them, so the bytes are needed. */
  readonly between: readonly Uint8Array[];
  readonly status: StatusBundle | null;
}

export interface ActivateMessage {
  readonly kind: "activate";
  /** `payloadDigest` of a pending warrant. */
  readonly warrant: string;
  readonly action: GateAction;
  /** Whether every file is hashed again. */
  readonly rehash: boolean;
  readonly fence: Fence;
  /** The newest entry of the sender's log, for the receipt: so the host is a witness of all before it. Null: there is no log. */
  readonly log: Head | null;
}

export interface ConfirmMessage {
  readonly kind: "confirm";
  /** 32 bytes in hex, as the host gave it. */
  readonly nonce: string;
  /** Over `confirmationText`, in `confirmNamespace`. */
  readonly signature: SshSig;
  readonly fence: Fence;
}

export interface RevertMessage {
  readonly kind: "revert";
  readonly fence: Fence;
}

export interface StatusMessage {
  readonly kind: "status";
}

export type GateMessage =
  | OfferMessage
  | StoreMessage
  | ActivateMessage
  | ConfirmMessage
  | RevertMessage
  | RebootMessage
  | SecretsMessage
  | StatusMessage;

export const confirmNamespace = "nixseal-confirm@v1";

const fingerprint = text((given) => /^SHA256:[A-Za-z0-9+/]{43}$/.test(given), "a fingerprint");
const memberName = text((given) => follows(name, given), "a name");
const uploader = nullable(object({ key: fingerprint, member: memberName }));

const shapes = {
  offer: object({
    between: list(carried, warrantLimits.between),
    kind: oneOf("offer"),
    status: nullable(carried),
    warrant: carried,
  }),
  import: object({
    bytes: nullable(enclosed),
    kind: oneOf("import"),
    path: carried,
    uploader,
  }),
  upload: object({ certificate: carried, info: carried, kind: oneOf("upload") }),
  witness: object({ kind: oneOf("witness"), path: carried, uploader }),
  activate: object({
    action: oneOf(...gateActions),
    fence,
    kind: oneOf("activate"),
    log: nullable(logHead),
    rehash: flag,
    warrant: digest,
  }),
  confirm: object({ fence, kind: oneOf("confirm"), nonce: digest, signature: carried }),
  revert: object({ fence, kind: oneOf("revert") }),
  reboot: object({
    boot: carried,
    fence,
    kind: oneOf("reboot"),
    signature: carried,
    uptime: count,
    warrant: digest,
  }),
  status: object({ kind: oneOf("status") }),
} as const;

/**
 * Exactly the bytes that `formatMessage` gives; else `malformed`, `limit`, or `refused` for keys and signatures that are never accepted.
 * `storeDirectory` is where this host's paths lie.
 */
export function parseMessage(line: Uint8Array, storeDirectory: string): GateMessage {
  const limit = messageLimit(line);
  if (line.length > limit)
    throw new NixsealError("limit", `the message has ${line.length} bytes, more than ${limit}`);
  checkJsonBudget(line, { depth: 2, containers: 2 }, "the message");
  if (line.at(-1) !== 0x0a) throw new NixsealError("malformed", "the message does not end with a line end");
  const value = parseJson(line, "the message");
  const message = asMalformed(() => read(value, storeDirectory));
  // One spelling: what was logged or compared is what is done.
  if (utf8Text(line, "the message") !== `${canonicalJson(value as Json)}\n`)
    throw new NixsealError("malformed", "the message is not canonical JSON with one line end");
  return message;
}

function read(value: unknown, storeDirectory: string): GateMessage {
  switch (kindOf(value)) {
    case "offer": {
      const { warrant, between, status } = shapes.offer(value, "message");
      return {
        kind: "offer",
        warrant: parseWarrantEnvelope(utf8(warrant)),
        between: between.map((one) => bytesOf(one)),
        status: status === null ? null : parseStatusBundle(utf8(status)),
      };
    }
    case "import": {
      const { path, ...rest } = shapes.import(value, "message");
      return { ...rest, path: parseStorePath(path, storeDirectory) };
    }
    case "upload": {
      const { certificate, ...rest } = shapes.upload(value, "message");
      return { ...rest, certificate: parseCertificate(bytesOf(certificate)) };
    }
    case "witness": {
      const { path, ...rest } = shapes.witness(value, "message");
      return { ...rest, path: parseStorePath(path, storeDirectory) };
    }
    case "activate":
      return shapes.activate(value, "message");
    case "confirm": {
      const { signature, ...rest } = shapes.confirm(value, "message");
      return { ...rest, signature: parseArmoredSshSig(signature) };
    }
    case "revert":
      return shapes.revert(value, "message");
    case "reboot": {
      const { signature, ...rest } = shapes.reboot(value, "message");
      return { ...rest, signature: parseArmoredSshSig(signature) };
    }
    case "secrets":
      return readSecretsMessage(value);
    case "status":
      return shapes.status(value, "message");
  }
}

/** Canonical JSON and a line end. */
export function formatMessage(message: GateMessage): Uint8Array {
  return utf8(`${canonicalJson(jsonOf(message))}\n`);
}

function jsonOf(message: GateMessage): Json {
  switch (message.kind) {
    case "offer":
      return {
        kind: message.kind,
        warrant: textOf(formatWarrantEnvelope(message.warrant)),
        between: message.between.map((payload) => base64(payload)),
        status: message.status === null ? null : textOf(formatStatusBundle(message.status)),
      };
    case "secrets":
      return secretsMessageJson(message);
    case "upload":
      return { ...message, certificate: base64(message.certificate.blob) };
    case "confirm":
    case "reboot":
      return { ...message, signature: armorSshSig(message.signature) };
    case "import":
    case "witness":
      return { ...message, uploader: message.uploader === null ? null : { ...message.uploader } };
    case "activate":
      return { ...message, log: message.log === null ? null : { ...message.log } };
    default:
      return { ...message };
  }
}

/**
 * What the person who confirms signs. The nonce alone would do against a replay; with the rest they see, and their signature says,
 * what it is that stays.
 */
export function confirmationText(about: {
  readonly fleet: string;
  readonly host: string;
  readonly warrant: string;
  readonly nonce: string;
}): Uint8Array {
  const { fleet, host, warrant, nonce } = about;
  return utf8(canonicalJson({ fleet, host, nonce, v: 1, warrant }));
}

function kindOf(value: unknown): GateMessage["kind"] {
  const kind = typeof value === "object" && value !== null && "kind" in value ? value.kind : undefined;
  return oneOf("secrets", ...(Object.keys(shapes) as (keyof typeof shapes)[]))(kind, "message.kind");
}
