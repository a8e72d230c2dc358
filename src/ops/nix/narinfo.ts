import * as z from "zod";
import { utf8Text } from "../../core/bytes.ts";
import { exitCodes } from "../../core/exit.ts";
import { formatContentAddress } from "../../nix/content-address.ts";
import { formatHash } from "../../nix/hash.ts";
import { parseNarInfo, verifyNarInfo } from "../../nix/narinfo.ts";
import { parsePublicKey } from "../../nix/signing-key.ts";
import { anyStore } from "../../nix/store-path.ts";
import { op } from "../op.ts";
import { inputBytes, naming } from "./input.ts";

const largest = 8 << 20;

export const narinfo = op({
  effect: "read",
  input: z.object({
    file: z.string().describe("a .narinfo file; - is stdin").meta({ value: "FILE" }),
    key: z
      .array(z.string())
      .default([])
      .describe("a key to verify signatures with, as in trusted-public-keys")
      .meta({ value: "NAME:PUBLIC-KEY" }),
  }),
  positional: ["file"],
  output: z.object({
    path: z.string(),
    url: z.string(),
    compression: z.string(),
    downloadHash: z.string().nullable(),
    downloadSize: z.number().nullable(),
    narHash: z.string(),
    narSize: z.number(),
    references: z.array(z.string()),
    deriver: z.string().nullable(),
    ca: z.string().nullable(),
    signatures: z
      .array(z.object({ name: z.string(), valid: z.boolean() }))
      .describe("in the order of the file"),
  }),
  examples: [
    {
      command:
        "nixseal nix narinfo x.narinfo --key cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=",
      says: "exit 0 when a signature by a given key holds, else 1",
    },
  ],
  run: async (context, { file, key }) => {
    const keys = key.map(parsePublicKey);
    return naming(file, async () => {
      const info = parseNarInfo(utf8Text(await inputBytes(context, file, largest), "the narinfo"), anyStore);
      return {
        path: info.path,
        url: info.url,
        compression: info.compression,
        downloadHash: info.fileHash && formatHash(info.fileHash, "sri"),
        downloadSize: info.fileSize,
        narHash: formatHash(info.narHash, "sri"),
        narSize: info.narSize,
        references: [...info.references],
        deriver: info.deriver,
        ca: info.contentAddress && formatContentAddress(info.contentAddress),
        signatures: verifyNarInfo(info, keys),
      };
    });
  },
  text: ({ path, narHash, narSize, signatures }, paint) =>
    [
      `${path}\n  ${narHash}, ${narSize} bytes`,
      ...signatures.map(
        ({ name, valid }) => `  ${valid ? paint.good("valid") : paint.bad("not verified")}: ${name}`,
      ),
      ...(signatures.length === 0 ? [`  ${paint.bad("no signature")}`] : []),
    ].join("\n"),
  exit: ({ signatures }) => (signatures.some(({ valid }) => valid) ? exitCodes.done : exitCodes.findings),
});
