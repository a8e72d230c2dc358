import * as z from "zod";
import { exitCodes } from "../../core/exit.ts";
import { checkStore } from "../../secrets/store/check-store.ts";
import { findingSchema, findingsText } from "../findings.ts";
import { openFleet } from "../fleet-context.ts";
import { op } from "../op.ts";

export const check = op({
  effect: "read",
  input: z.object({}),
  output: z.object({ secrets: z.number(), findings: z.array(findingSchema) }),
  examples: [
    { command: "nixseal secrets check", says: "in CI: needs no key, exits with 1 when something is wrong" },
    { command: "nixseal secrets check --json", says: "for scripts" },
  ],
  run: async (context) => {
    const { directory, fleet } = await openFleet(context);
    const findings = await checkStore(context.files, directory, fleet, context.clock.now());
    return { secrets: fleet.secrets.size, findings };
  },
  text: ({ secrets, findings }, paint) =>
    findingsText(findings, paint, `${secrets} secret${secrets === 1 ? "" : "s"} checked, nothing to say`),
  exit: ({ findings }) => (findings.length > 0 ? exitCodes.findings : exitCodes.done),
});
