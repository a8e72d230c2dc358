import * as z from "zod";
import { inspect as inspectFile } from "../../secrets/age/inspect.ts";
import { at } from "../../core/errors.ts";
import { op } from "../op.ts";
import { openInput } from "./files.ts";

export const inspect = op({
  effect: "read",
  input: z.object({ input: z.string().describe("the file to look at (default: standard input)").optional() }),
  positional: ["input"],
  output: z.object({
    version: z.string(),
    postquantum: z.enum(["yes", "no", "unknown"]),
    armor: z.boolean(),
    stanza_types: z.array(z.string()).readonly(),
    sizes: z.object({
      header: z.number(),
      armor: z.number(),
      overhead: z.number(),
      min_payload: z.number(),
      max_payload: z.number(),
      min_padding: z.number(),
      max_padding: z.number(),
    }),
  }),
  examples: [
    { command: "nixseal age inspect secrets/grafana-admin.age", says: "for whom it is, without any key" },
    { command: "nixseal age inspect --json backup.age", says: "the fields of age-inspect" },
  ],
  run: async (context, { input: path }) => {
    const file = await openInput(context, path, "inspect");
    try {
      return await inspectFile(file);
    } catch (error) {
      throw at(error, { file: path ?? "-" });
    }
  },
  text: ({ version, postquantum, armor, stanza_types: types, sizes }, paint) => {
    const counts = new Map<string, number>();
    for (const type of types) counts.set(type, (counts.get(type) ?? 0) + 1);
    const rows = [
      ["version", version],
      ["armor", armor ? `yes, ${sizes.armor} bytes` : "no"],
      ["post-quantum", postquantum],
      ["recipients", [...counts].map(([type, count]) => `${count} × ${type}`).join(", ")],
      ["header", `${sizes.header} bytes`],
      ["payload", `${sizes.min_payload} bytes, and ${sizes.overhead} by its encryption`],
    ] as const;
    return rows.map(([name, value]) => `${paint.weak(name.padEnd(14))}${value}`).join("\n");
  },
});
