/** Messages to a gate under test, and what becomes of them. */
import assert from "node:assert/strict";
import { NixsealError } from "../../src/core/errors.ts";
import { activate } from "../../src/gate/activate/activate.ts";
import { readActivation } from "../../src/gate/activate/activation.ts";
import type { Gate } from "../../src/gate/activate/gate.ts";
import { offer } from "../../src/gate/activate/offer.ts";
import type { GateResult } from "../../src/gate/answer.ts";
import {
  confirmationText,
  confirmNamespace,
  type ActivateMessage,
  type ConfirmMessage,
  type OfferMessage,
} from "../../src/gate/message.ts";
import { signMessage, type Signer } from "../../src/ssh/signer.ts";
import type { WarrantEnvelope } from "../../src/trust/warrant/envelope.ts";
import type { GateHost } from "./gate-host.ts";
import { alice } from "./warrants.ts";

export const noConfirmation = { confirm: null };

export function order({ digest }: WarrantEnvelope, changed: Partial<ActivateMessage> = {}): ActivateMessage {
  return {
    kind: "activate",
    warrant: digest,
    action: "switch",
    rehash: false,
    fence: null,
    log: null,
    ...changed,
  };
}

/** Offers and activates; the refusal's code, or the outcome. */
export async function outcomeOf(
  host: Pick<GateHost, "gate">,
  envelope: WarrantEnvelope,
  changed: Partial<ActivateMessage> = {},
): Promise<string> {
  return told(async () => {
    await offer(host.gate(), { kind: "offer", warrant: envelope, between: [], status: null });
    return activate(host.gate(), order(envelope, changed));
  });
}

export async function told(work: () => Promise<GateResult>): Promise<string> {
  try {
    const result = await work();
    const outcome = result.ok ? result["outcome"] : result.code;
    return typeof outcome === "string" ? outcome : "ok";
  } catch (error) {
    const { decision, code } = error as { decision?: string; code?: string };
    return decision ?? code ?? String(error);
  }
}

export async function confirmation(
  host: GateHost,
  signer: Signer = alice,
  fence: number | null = null,
): Promise<ConfirmMessage> {
  const { nonce, warrant } = (await readActivation(host.gate().files, host.paths))!;
  const about = { fleet: "test", host: "web", warrant: warrant!, nonce: nonce! };
  const signature = await signMessage(confirmationText(about), confirmNamespace, signer);
  return { kind: "confirm", nonce: nonce!, signature, fence };
}

/** Begins an activation and waits until it asks for its confirmation. */
export async function waiting(host: GateHost, envelope: WarrantEnvelope) {
  await offer(host.gate(), { kind: "offer", warrant: envelope, between: [], status: null });
  const gate = host.gate();
  let asked = (): void => undefined;
  const question = new Promise<void>((resolve) => (asked = resolve));
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const slow: Gate = {
    ...gate,
    say: async (step, ...rest) => {
      await gate.say(step, ...rest);
      if (step !== "confirm") return;
      asked();
      await held;
    },
  };
  const result = activate(slow, order(envelope));
  await Promise.race([question, result]);
  return { result, release };
}

/** The place behind it in its sequence. */
export const after = ({ warrant, digest }: WarrantEnvelope) => ({ seq: warrant.seq + 1, prev: digest });

export const all = (name: string) => ({ services: name, running: name, profile: name, boot: name });

export function offering(envelope: WarrantEnvelope, more: Partial<OfferMessage> = {}): OfferMessage {
  return { kind: "offer", warrant: envelope, between: [], status: null, ...more };
}

/** `ok`, or why not. */
export async function codeOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
    return "ok";
  } catch (error) {
    assert.ok(error instanceof NixsealError, String(error));
    return "decision" in error && typeof error.decision === "string" ? error.decision : error.code;
  }
}

export const switchTo = (host: GateHost, envelope: WarrantEnvelope) => activate(host.gate(), order(envelope));
