/** What the caller is told at the end. */
import { join } from "node:path";
import { utf8Text } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { GateResult } from "../answer.ts";
import { readGuard } from "../guard.ts";
import type { Activation } from "./activation.ts";
import { isKept, outcomeText } from "./finish.ts";
import type { Gate } from "./gate.ts";
import { fileName } from "./receipt.ts";

/** With the receipt, which says the same with the host's signature. */
export async function resultOf(gate: Gate, activation: Activation): Promise<GateResult> {
  const { outcome, toplevel, warrant } = activation;
  const receipt = await readReceipt(gate, activation);
  if (isKept(outcome)) return { kind: "result", ok: true, outcome, toplevel, warrant, receipt };
  const hint = outcome === "broken" ? "look at the host at its console: nothing is certain there" : null;
  return {
    kind: "result",
    ok: false,
    code: outcome ?? "broken",
    reason: outcomeText(activation),
    hint,
    toplevel,
    warrant,
    receipt,
  };
}

/** Of one that another process has brought to its end: why, its receipt says. */
export async function settledResult(gate: Gate, activation: Activation): Promise<GateResult> {
  const { last } = await readGuard(gate.files, gate.paths);
  const outcome = last?.warrant === activation.warrant ? last.outcome : null;
  return resultOf(gate, { ...activation, phase: "finishing", outcome });
}

async function readReceipt({ files, paths }: Gate, activation: Activation): Promise<string | null> {
  try {
    const bytes = await files.read(join(paths.receipts, fileName(activation)), { limit: 1 << 20 });
    return utf8Text(bytes, "the receipt");
  } catch (error) {
    if (error instanceof NixsealError) return null; // it was told when it could not be written
    throw error;
  }
}
