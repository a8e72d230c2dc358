import { resolve } from "node:path";
import * as z from "zod";
import { readCollection, writeCollection } from "../../audit/advisories/collection-file.ts";
import { importers, type ImportKind } from "../../audit/advisories/import/importers.ts";
import { NixsealError } from "../../core/errors.ts";
import { op } from "../op.ts";
import { naming } from "../nix/input.ts";
import { filesBelow, readMaybeCompressed } from "./inputs.ts";

export const importAdvisories = op({
  effect: "write",
  input: z.object({
    kind: z.enum(Object.keys(importers) as [ImportKind, ...ImportKind[]]).describe("who says it"),
    files: z
      .array(z.string())
      .min(1)
      .describe("files (also .gz) and directories of them")
      .meta({ value: "FILE" }),
    into: z
      .string()
      .default("advisories.jsonl")
      .describe("the collection that they are added to")
      .meta({ value: "FILE" }),
  }),
  positional: ["kind", "files"],
  output: z.object({ files: z.number(), records: z.number(), advisories: z.number() }),
  examples: [
    { command: "nixseal advisories import nvd nvdcve-2.0-2026.json.gz", says: "a yearly feed of NVD" },
    { command: "nixseal advisories import osv advisories/", says: "those that your team wrote" },
    {
      command: "nixseal advisories import kev known_exploited_vulnerabilities.json",
      says: "after the others: it only adds to them",
    },
  ],
  run: async (context, { kind, files: given, into }) => {
    const { files, emit, workingDirectory } = context;
    const path = resolve(workingDirectory, into);
    const lock = await files.lock(`${path}.lock`, { wait: 10_000, purpose: "importing advisories" });
    try {
      const collection = await readCollection(files, path);
      const { parse, known, names } = importers[kind];
      const inputs = await filesBelow(
        files,
        given.map((file) => resolve(workingDirectory, file)),
        names,
      );
      if (inputs.length === 0)
        throw new NixsealError("not-found", "there is nothing to import", {
          hint: `files end in ${names.join(" or ")}`,
        });
      let records = 0;
      for (const [index, file] of inputs.entries()) {
        emit({ type: "progress", task: `import ${kind}`, done: index, total: inputs.length, unit: "files" });
        const advisories = await naming(file, async () => parse(await readMaybeCompressed(files, file)));
        records += collection.add(advisories, { known });
      }
      await writeCollection(files, path, collection);
      return { files: inputs.length, records, advisories: collection.size };
    } finally {
      await lock.release();
    }
  },
  text: ({ files, records, advisories }, paint) =>
    paint.good(
      `${records} record${records === 1 ? "" : "s"} of ${files} file${files === 1 ? "" : "s"}; ${advisories} advisories now`,
    ),
});
