import * as z from "zod";
import { unpackNar } from "../../nix/nar/unpack.ts";
import { op } from "../op.ts";
import { inputStream, naming } from "./input.ts";

export const narUnpack = op({
  effect: "write",
  input: z.object({
    file: z.string().describe("a NAR, not compressed; - is stdin").meta({ value: "FILE" }),
    path: z.string().describe("what is made; it must not exist").meta({ value: "DIR" }),
  }),
  positional: ["file", "path"],
  output: z.object({ path: z.string() }),
  examples: [
    { command: "nixseal nix nar-unpack hello.nar ./hello", says: "all of it or nothing" },
    { command: "xz -dc hello.nar.xz | nixseal nix nar-unpack - ./hello", says: "from a binary cache's file" },
  ],
  run: async (context, { file, path }) => {
    await naming(file, () => unpackNar(inputStream(context, file), context.trees, path));
    return { path };
  },
  text: () => "",
});
