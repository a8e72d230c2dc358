import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import { formatHash, type HashFormat } from "../../nix/hash.ts";
import { hashStream } from "../../nix/nar/hash.ts";
import { writeNar } from "../../nix/nar/writer.ts";
import { op } from "../op.ts";

export const narHash = op({
  effect: "read",
  input: z.object({
    path: z.string().describe("a file, a directory or a symlink (which is not followed)"),
    nix32: z.boolean().optional().describe("print nix32 digits, as `nix-hash --base32` does"),
    base16: z.boolean().optional().describe("print hex digits"),
  }),
  positional: ["path"],
  output: z.object({ hash: z.string(), size: z.number().describe("bytes of the NAR") }),
  examples: [
    { command: "nixseal nix nar-hash ./result", says: "the hash that a flake.lock or a fetcher wants" },
    {
      command: "nixseal nix nar-hash --nix32 /nix/store/…-hello",
      says: "as `nix-store --query --hash` prints it",
    },
  ],
  run: async ({ trees }, { path, nix32 = false, base16 = false }) => {
    if (nix32 && base16) throw new NixsealError("usage", "--nix32 and --base16 exclude each other");
    const format: HashFormat = nix32 ? "nix32" : base16 ? "base16" : "sri";
    const { hash, size } = await hashStream(writeNar(trees, path));
    return { hash: formatHash(hash, format), size };
  },
  text: ({ hash }) => hash,
});
