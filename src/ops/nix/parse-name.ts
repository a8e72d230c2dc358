import * as z from "zod";
import { parseDrvName } from "../../nix/version.ts";
import { op } from "../op.ts";
import { inputLines } from "./input.ts";

export const parseName = op({
  effect: "read",
  input: z.object({
    name: z.string().describe("a package's name with its version; - reads one a line from stdin"),
  }),
  positional: ["name"],
  output: z.array(z.object({ name: z.string(), version: z.string() })),
  examples: [
    {
      command: "nixseal nix parse-name nix-0.12pre12876 --json",
      says: "name and version as Nix splits them",
    },
    {
      command: "ls /nix/store | cut -c34- | nixseal nix parse-name - --json",
      says: "one JSON object a line",
    },
  ],
  run: async (context, { name }) =>
    (name === "-" ? await inputLines(context, "-") : [name]).map(parseDrvName),
  text: (names) => names.map(({ name, version }) => `${name}\t${version}`).join("\n"),
  lines: () => true,
});
