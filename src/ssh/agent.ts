/** The client's side of the agent protocol: draft-miller-ssh-agent, which `ssh-agent` and its like speak. */
import { concat } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import { parseCertificate, type Certificate } from "./certificate.ts";
import { parsePublicKey, type PublicKey } from "./public-key.ts";
import type { Signer } from "./signer.ts";
import { WireReader, string, u32, u8 } from "./wire.ts";

/** A connection to an agent (`SSH_AUTH_SOCK`). */
export interface AgentTransport {
  /**
   * Sends one whole message and gives the whole answer. Both carry their length in front (u32, then that many
   * bytes); an answer of more than `maximumAgentMessage` bytes, or none in bounded time, is the transport's error.
   */
  exchange(request: Uint8Array): Promise<Uint8Array>;
}

export interface AgentIdentity {
  /** Null for types that we do not know: the agent may hold them, we cannot use them. */
  readonly identity: PublicKey | Certificate | null;
  readonly blob: Uint8Array;
  readonly comment: string;
}

export const maximumAgentMessage = 256 << 10; // as OpenSSH
const maximumIdentities = 2048; // as OpenSSH

/** The keys and certificates that the agent holds, in its order. */
export async function agentIdentities(agent: AgentTransport): Promise<AgentIdentity[]> {
  const answer = await ask(agent, 11, 12, []);
  const count = answer.u32();
  if (count > maximumIdentities) throw new NixsealError("limit", `the agent claims to hold ${count} keys`);
  const identities = Array.from({ length: count }, () => {
    const blob = answer.string();
    return { identity: parseIdentity(blob), blob, comment: answer.comment() };
  });
  answer.end();
  return identities;
}

/** Signs through the agent. `refused` when it says no: a locked agent, a denied confirmation, a missing key. */
export function agentSigner(agent: AgentTransport, identity: PublicKey | Certificate): Signer {
  return {
    identity,
    async sign(data) {
      // rsa-sha2-512; the flag is ignored for other types. Without it an RSA key signs with SHA-1.
      const answer = await ask(agent, 13, 14, [string(identity.blob), string(data), u32(4)]);
      const signature = answer.string();
      answer.end();
      return signature;
    },
  };
}

async function ask(
  agent: AgentTransport,
  request: number,
  expected: number,
  fields: readonly Uint8Array[],
): Promise<WireReader> {
  const answer = await agent.exchange(string(concat(u8(request), ...fields)));
  if (answer.length > maximumAgentMessage) throw new NixsealError("limit", "the agent's answer is too long");
  const frame = new WireReader(answer, "answer of the SSH agent");
  const message = frame.nested("answer of the SSH agent", maximumAgentMessage);
  frame.end();
  const type = message.u8();
  if (type === expected) return message;
  if (type === 5) {
    throw new NixsealError("refused", "the SSH agent refused", {
      hint: "see ssh-add -l; the agent may be locked, or asked for a confirmation that was not given",
    });
  }
  throw new NixsealError("malformed", `the SSH agent answered with a message of type ${type}`);
}

function parseIdentity(blob: Uint8Array): PublicKey | Certificate | null {
  try {
    const type = new WireReader(blob, "key of the agent").text();
    return type.endsWith("-cert-v01@openssh.com") ? parseCertificate(blob) : parsePublicKey(blob);
  } catch (error) {
    if (error instanceof NixsealError && error.code === "refused") return null; // known not to be known
    throw error;
  }
}
