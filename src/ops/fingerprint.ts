import type { Rule } from "../inventory/field-rules.ts";

/** A key's fingerprint on the command line. */
export const fingerprintPattern: Rule = {
  pattern: /^SHA256:[A-Za-z0-9+/]{43}$/,
  expected: "expected SHA256: and 43 characters, as ssh-keygen -l prints it",
};
