/** The payload of a warrant: a signed order that a host may activate exactly one closure. Reading and writing it. */
import { createHash } from "node:crypto";
import { hex, sameBytes, utf8, utf8Text } from "../../core/bytes.ts";
import { canonicalJson, type Json } from "../../core/canonical-json.ts";
import { NixsealError } from "../../core/errors.ts";
import { formatContentAddress } from "../../nix/content-address.ts";
import { typedNix32 } from "../../nix/hash.ts";
import { formatTime } from "../root/root.ts";
import { closureFault, type ClosurePath } from "./closure.ts";
import { checkJsonBudget } from "./json-budget.ts";
import { warrantLimits } from "./limits.ts";
import type { Warrant } from "./model.ts";
import { warrantShape } from "./shape.ts";

/** SHA-256 of the payload, in hex: what the next warrant calls `prev`. */
export function payloadDigest(payload: Uint8Array): string {
  return hex(createHash("sha256").update(payload).digest());
}

/**
 * Exactly the bytes that `encodeWarrant` gives. Throws `malformed`, and `limit` for what is larger than `warrantLimits`. One
 * spelling: with two, one reader could see another closure than the other (repeated keys), and `prev` would not name one order.
 */
export function parseWarrant(payload: Uint8Array): Warrant {
  if (payload.length > warrantLimits.payload)
    throw new NixsealError(
      "limit",
      `the warrant has ${payload.length} bytes, more than ${warrantLimits.payload}`,
    );
  checkJsonBudget(payload, { depth: 4, containers: 2 * warrantLimits.paths + 8 }, "the warrant");
  const warrant = warrantShape(parseJson(payload));
  const fault = inconsistency(warrant);
  if (fault !== null) throw new NixsealError("malformed", `warrant: ${fault}`);
  if (!sameBytes(encodeWarrant(warrant), payload))
    throw new NixsealError("malformed", "the warrant is not canonical JSON");
  return warrant;
}

/** Canonical JSON, without a line end. */
export function encodeWarrant(warrant: Warrant): Uint8Array {
  const { fleet, subject, seq, prev, notBefore, expires, action, toplevel, drvPath, source } = warrant;
  return utf8(
    canonicalJson({
      v: 1,
      fleet,
      [subject.kind]: subject.name,
      seq,
      prev,
      notBefore: formatTime(notBefore),
      expires: formatTime(expires),
      action,
      toplevel,
      ...(drvPath === null ? {} : { drvPath }),
      ...(source === null ? {} : { source: { ...source } }),
      paths: warrant.paths.map(encodePath),
    }),
  );
}

/** What no single field shows, as a message; null when the warrant holds together. */
export function inconsistency(warrant: Warrant): string | null {
  const { seq, prev, notBefore, expires, toplevel, drvPath, paths } = warrant;
  if ((seq === 1) !== (prev === null)) return "exactly the first warrant has no one before it";
  if (expires <= notBefore) return "it ends before it begins";
  if (drvPath !== null && !drvPath.endsWith(".drv")) return `${drvPath} is not a derivation`;
  return closureFault(toplevel, paths);
}

function encodePath({ path, narHash, narSize, references, contentAddress }: ClosurePath): Json {
  const tuple: Json[] = [path, typedNix32(narHash), narSize, references];
  return contentAddress === null ? tuple : [...tuple, formatContentAddress(contentAddress)];
}

function parseJson(payload: Uint8Array): unknown {
  const text = utf8Text(payload, "the warrant");
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new NixsealError("malformed", "the warrant is not JSON", { cause });
  }
}
