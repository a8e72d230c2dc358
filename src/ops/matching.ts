import * as z from "zod";
import type { Rule } from "../inventory/field-rules.ts";

/** An argument that ends up in fleet.toml follows the rule of its field there. */
export function matching(rule: Rule): z.ZodString {
  return z.string().regex(rule.pattern, { error: `expected ${rule.expected}` });
}
