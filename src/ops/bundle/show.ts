import { resolve } from "node:path";
import * as z from "zod";
import { at } from "../../core/errors.ts";
import { readBundle } from "../../delivery/bundle.ts";
import { formatTime } from "../../trust/root/root.ts";
import { op } from "../op.ts";

export const bundleShow = op({
  effect: "read",
  input: z.object({ file: z.string().meta({ value: "FILE" }).describe("the bundle") }),
  positional: ["file"],
  output: z.object({
    fleet: z.string(),
    host: z.string(),
    seq: z.number(),
    since: z.number().describe("the order that the host must have already; 0 for none"),
    warrant: z.string(),
    toplevel: z.string(),
    action: z.string(),
    expires: z.string(),
    signatures: z.number().describe("that are there; who made them, the host's gate decides"),
    paths: z.number().describe("of the order"),
    files: z.array(z.object({ name: z.string(), size: z.number(), sha256: z.string() })),
  }),
  examples: [
    {
      command: "nixseal bundle show buoy.bundle",
      says: "reads all of it: whether it is whole, and what it orders",
    },
  ],
  run: async (context, { file }) => {
    const path = resolve(context.workingDirectory, file);
    try {
      const { manifest, offer } = await readBundle(context.files, path);
      const { warrant: envelope } = await offer(new Map());
      const { warrant, digest, signatures } = envelope;
      return {
        fleet: manifest.fleet,
        host: manifest.host,
        seq: manifest.seq,
        since: manifest.since,
        warrant: digest,
        toplevel: warrant.toplevel,
        action: warrant.action,
        expires: formatTime(warrant.expires),
        signatures: signatures.length,
        paths: warrant.paths.length,
        files: manifest.files.map((one) => ({ ...one })),
      };
    } catch (error) {
      throw at(error, { file });
    }
  },
  text: ({ fleet, host, seq, since, toplevel, action, expires, signatures, paths, files }) => {
    const archives = files.filter(({ name }) => name.endsWith(".nar")).length;
    return [
      `order ${seq} for ${host} of ${fleet}: ${action} ${toplevel}`,
      `expires ${expires}, ${signatures} ${signatures === 1 ? "signature" : "signatures"}`,
      `archives: ${archives} for ${paths} paths of the order${since === 0 ? "" : `; the others the host has by order ${since}`}`,
      "whole: every file is what the manifest says",
    ].join("\n");
  },
});
