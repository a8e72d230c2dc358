import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import { compareVersions as compare } from "../../nix/version.ts";
import { op } from "../op.ts";
import { inputLines } from "./input.ts";

export const compareVersions = op({
  effect: "read",
  input: z.object({
    a: z.string().describe("a version; - reads pairs from stdin, one a line with a tab between"),
    b: z.string().optional().describe("another version"),
  }),
  positional: ["a", "b"],
  output: z.array(z.literal([-1, 0, 1])),
  examples: [
    { command: "nixseal nix compare-versions 2.3pre1 2.3", says: "-1: the first is older" },
    { command: "printf '1.0\\t1.1\\n' | nixseal nix compare-versions -", says: "one answer a line" },
  ],
  run: async (context, { a, b }) => {
    if (b !== undefined) return [compare(a, b)];
    if (a !== "-")
      throw new NixsealError("usage", "B is missing", { hint: "give two versions, or - for pairs on stdin" });
    return (await inputLines(context, "-")).map((line, index) => {
      const [left, right, ...more] = line.split("\t");
      if (right === undefined || more.length > 0)
        throw new NixsealError("malformed", "expected two versions with one tab between", {
          where: { file: "stdin", line: index + 1 },
        });
      return compare(left!, right);
    });
  },
  text: (orders) => orders.join("\n"),
  lines: () => true,
});
