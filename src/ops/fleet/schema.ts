import * as z from "zod";
import { fleetJsonSchema } from "../../inventory/schema.ts";
import { op } from "../op.ts";

export const fleetSchema = op({
  effect: "read",
  input: z.object({}),
  output: z.record(z.string(), z.unknown()),
  examples: [
    { command: "nixseal fleet schema > fleet.schema.json", says: "for an editor that knows JSON Schema" },
  ],
  run: async () => fleetJsonSchema(),
  text: (schema) => JSON.stringify(schema, null, 2),
});
