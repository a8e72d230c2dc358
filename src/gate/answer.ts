/** What the root side answers: events as the work goes on, then exactly one result. NDJSON, a line each. */
import { canonicalJson, type Json } from "../core/canonical-json.ts";
import { NixsealError } from "../core/errors.ts";
import type { WarrantCode } from "../trust/warrant/refusal.ts";

export interface GateEvent {
  readonly kind: "event";
  /** Which part of the work, for programs: `closure`, `test`, `health`, `confirm`, … */
  readonly step: string;
  readonly message: string;
  /** What a program needs of it, as the nonce that is to be confirmed. */
  readonly data?: { readonly [key: string]: Json };
}

export type GateResult =
  | { readonly kind: "result"; readonly ok: true; readonly [key: string]: Json }
  | {
      readonly kind: "result";
      readonly ok: false;
      /** Of a decision, of an error, or the outcome that was not the wanted one. */
      readonly code: string;
      readonly reason: string;
      readonly hint: string | null;
      readonly [key: string]: Json;
    };

/** A decision's no, with the code of the decision: an error whose message is the reason. */
export class GateRefusal extends NixsealError {
  readonly decision: WarrantCode | GateCode;

  constructor(decision: WarrantCode | GateCode, reason: string, hint?: string) {
    super("refused", reason, { hint });
    this.decision = decision;
  }
}

/** Why the gate does not do what a good warrant orders. */
export type GateCode =
  /** the sender's lease has passed on */
  | "stale-fence"
  /** the message asks for more than the warrant orders */
  | "action"
  /** the warrant was never offered, or has gone since */
  | "not-offered"
  /** the path is not one that Nix took for this connection */
  | "not-new"
  /** neither a cache's key nor its content's address proves where the path is from */
  | "origin"
  /** the archive that came is not of the size that the warrant names */
  | "size"
  /** it was tried often enough, or undone on purpose: it takes a new order */
  | "spent"
  /** another activation is under way */
  | "busy"
  /** nothing waits for a confirmation, or it came too late */
  | "not-waiting"
  /** not the nonce that was given out */
  | "nonce"
  /** whoever signed may not activate here */
  | "confirmation"
  /** the host is not at the system that the order names, so it does not start anew for it */
  | "not-active"
  /** it has started anew since the message was signed */
  | "boot"
  /** there is no system to go back to */
  | "no-way-back"
  /** too many warrants are offered, or paths asked about */
  | "too-many"
  /** the message came from an account that may not send any */
  | "peer"
  /** the running system declares no such secret, or its value comes with a system only */
  | "secret"
  /** a value is not the one that was signed, or this host cannot open it */
  | "ciphertext"
  /** this gate does not work with warrants */
  | "mode";

/** The one result line of an error. A bug's message stays in the journal: nobody outside can act on it. */
export function refusalResult(error: unknown): GateResult {
  if (!(error instanceof NixsealError))
    return {
      kind: "result",
      ok: false,
      code: "bug",
      reason: "unexpected error",
      hint: "see the host's journal",
    };
  const code = error instanceof GateRefusal ? error.decision : error.code;
  // "No space left" helps nobody who does not hear where.
  const file = error.where?.file;
  const reason = file === undefined ? error.message : `${file}: ${error.message}`;
  return { kind: "result", ok: false, code, reason, hint: error.hint ?? null };
}

/** Without a line end inside, whatever the text of others holds. */
export function answerLine(answer: GateEvent | GateResult): string {
  const { kind, ...rest } = answer;
  return `${canonicalJson({ kind, ...rest })}\n`;
}
