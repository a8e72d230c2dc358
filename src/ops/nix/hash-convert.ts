import * as z from "zod";
import { formatHash, parseHash } from "../../nix/hash.ts";
import { op } from "../op.ts";

export const hashConvert = op({
  effect: "read",
  input: z.object({
    to: z
      .enum(["nix32", "base16", "base64", "sri"])
      .describe("the format to print")
      .meta({ value: "FORMAT" }),
    hash: z.string().describe("SRI, or algorithm:digest of md5, sha1, sha256 or sha512"),
  }),
  positional: ["hash"],
  output: z.object({ hash: z.string() }),
  examples: [
    {
      command:
        "nixseal nix hash-convert --to sri sha256:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73",
      says: "from the form of older fetchers",
    },
  ],
  run: async (_context, { to, hash }) => ({ hash: formatHash(parseHash(hash), to) }),
  text: ({ hash }) => hash,
});
