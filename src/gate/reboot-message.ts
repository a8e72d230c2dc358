/** Having a host start anew, into the system that an order has made the next one. */
import { utf8 } from "../core/bytes.ts";
import { canonicalJson } from "../core/canonical-json.ts";
import type { SshSig } from "../ssh/sshsig.ts";
import type { Fence } from "./message-fields.ts";

/** A reboot is in no warrant: whoever may only send messages must not have it. So a member who may activate signs this one. */
export interface RebootMessage {
  readonly kind: "reboot";
  /** `payloadDigest` of the warrant that the host runs by, or boots next by. */
  readonly warrant: string;
  /** The boot that is to end, as the host's status names it: the same message does not end the next one. */
  readonly boot: string;
  /** Seconds of that boot when its status was asked: what was signed and never sent is worth nothing later. */
  readonly uptime: number;
  /** Over `rebootText`, in `rebootNamespace`. */
  readonly signature: SshSig;
  readonly fence: Fence;
}

export const rebootNamespace = "nixseal-reboot@v1";

export function rebootText(about: {
  readonly fleet: string;
  readonly host: string;
  readonly warrant: string;
  readonly boot: string;
  readonly uptime: number;
}): Uint8Array {
  const { fleet, host, warrant, boot, uptime } = about;
  return utf8(canonicalJson({ boot, fleet, host, uptime, v: 1, warrant }));
}
