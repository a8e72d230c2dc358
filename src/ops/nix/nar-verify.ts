import * as z from "zod";
import { formatHash } from "../../nix/hash.ts";
import { verifyNar } from "../../nix/nar/verify.ts";
import { op } from "../op.ts";
import { inputStream, naming } from "./input.ts";

export const narVerify = op({
  effect: "read",
  input: z.object({ file: z.string().describe("a NAR, not compressed; - is stdin").meta({ value: "FILE" }) }),
  positional: ["file"],
  output: z.object({
    hash: z.string().describe("SHA-256 of the archive, as SRI"),
    size: z.number().describe("bytes"),
    files: z.number(),
    directories: z.number(),
    symlinks: z.number(),
  }),
  examples: [
    { command: "nixseal nix nar-verify hello.nar", says: "exit 2 with the byte offset of whatever is wrong" },
    { command: "curl -s https://… | xz -dc | nixseal nix nar-verify -", says: "while it is downloaded" },
  ],
  run: async (context, { file }) => {
    const { hash, ...counts } = await naming(file, () => verifyNar(inputStream(context, file)));
    return { hash: formatHash(hash, "sri"), ...counts };
  },
  text: ({ hash, size, files, directories, symlinks }, paint) =>
    `${paint.good("good")}: ${hash}, ${size} bytes: files ${files}, directories ${directories}, symlinks ${symlinks}`,
});
