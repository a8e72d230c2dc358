import * as z from "zod";
import { exitCodes } from "../../core/exit.ts";
import { checkFleet } from "../../inventory/check.ts";
import { findFleet } from "../fleet-context.ts";
import { findingSchema, findingsText } from "../findings.ts";
import { op } from "../op.ts";

export const fleetCheck = op({
  effect: "read",
  input: z.object({}),
  output: z.object({
    findings: z.array(findingSchema),
    files: z.array(z.string()),
  }),
  examples: [
    { command: "nixseal fleet check", says: "needs no key and no network; exit code 1 with findings" },
    { command: "nixseal fleet check --json", says: "for CI" },
  ],
  run: async (context) => checkFleet(context.files, await findFleet(context)),
  text: ({ findings, files }, paint) =>
    findingsText(
      findings,
      paint,
      `the inventory is sound (${files.length} file${files.length === 1 ? "" : "s"})`,
    ),
  exit: ({ findings }) => (findings.length === 0 ? exitCodes.done : exitCodes.findings),
});
