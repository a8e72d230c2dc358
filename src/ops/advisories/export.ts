import { resolve } from "node:path";
import * as z from "zod";
import { utf8 } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Advisory } from "../../audit/advisories/advisory.ts";
import { readCollection } from "../../audit/advisories/collection-file.ts";
import { toCsaf } from "../../audit/advisories/export/csaf.ts";
import { toOpenVex } from "../../audit/advisories/export/openvex.ts";
import { toOsv } from "../../audit/advisories/export/osv.ts";
import { formatTime } from "../../audit/advisories/feed/metadata.ts";
import { buildIndex } from "../../audit/advisories/index/build.ts";
import { op, type Context } from "../op.ts";
import { bundleOfState } from "./bundle.ts";
import { stateDirectory, stateFlag } from "./state.ts";

const input = z.object({
  format: z
    .enum(["bundle", "index", "osv", "csaf", "openvex"])
    .describe("bundle: the feed that is here, as one file; the others are made of a collection"),
  ids: z.array(z.string()).default([]).describe("only these advisories").meta({ value: "ID" }),
  collection: z
    .string()
    .default("advisories.jsonl")
    .describe("where the advisories are")
    .meta({ value: "FILE" }),
  publisher: z.string().default("nixseal").describe("your name, in CSAF and OpenVEX"),
  namespace: z
    .string()
    .default("https://example.org")
    .describe("a URL that you own, in CSAF and OpenVEX")
    .meta({ value: "URL" }),
  out: z.string().optional().describe("a file in place of stdout").meta({ short: "o", value: "FILE" }),
  state: stateFlag,
});

export const exportAdvisories = op({
  effect: "read",
  input,
  positional: ["format", "ids"],
  output: z.object({
    bytes: z.number(),
    content: z.string().nullable().describe("text, where no file was named"),
  }),
  examples: [
    {
      command: "nixseal advisories export bundle -o feed.bundle",
      says: "to carry to a host without a network",
    },
    {
      command:
        "nixseal advisories export csaf CVE-2026-12345 --publisher Example --namespace https://example.org",
      says: "one advisory for others",
    },
    {
      command: "nixseal advisories export index -o advisories.index",
      says: "an unsigned index for trying things",
    },
  ],
  run: async (context, given) => {
    const bytes = await contentOf(context, given);
    if (given.out !== undefined)
      await context.files.writeAtomic(resolve(context.workingDirectory, given.out), bytes, { mode: 0o644 });
    else if (given.format === "bundle" || given.format === "index") {
      if (context.json)
        throw new NixsealError("usage", `${given.format} is no text`, {
          hint: "write it to a file with -o FILE",
        });
      await context.streams.stdout(bytes);
    }
    const isText = given.out === undefined && given.format !== "bundle" && given.format !== "index";
    return { bytes: bytes.length, content: isText ? Buffer.from(bytes).toString() : null };
  },
  text: ({ content }) => content ?? "",
});

async function contentOf(context: Context, given: z.output<typeof input>): Promise<Uint8Array> {
  if (given.format === "bundle") return bundleOfState(context.files, stateDirectory(context, given.state));
  const path = resolve(context.workingDirectory, given.collection);
  if ((await context.files.status(path)) === null)
    throw new NixsealError("not-found", `${given.collection}: no such file`, {
      hint: "name the collection with --collection",
    });
  const collection = await readCollection(context.files, path);
  const advisories =
    given.ids.length === 0
      ? collection.sorted()
      : given.ids.map((id): Advisory => {
          const found = collection.get(id);
          if (found === undefined) throw new NixsealError("not-found", `no advisory ${id}`);
          return found;
        });
  const now = formatTime(context.clock.now());
  const document = `nixseal-${now.slice(0, 10)}`;
  const { publisher: name, namespace } = given;
  switch (given.format) {
    case "index":
      return buildIndex(advisories);
    case "osv":
      return utf8(advisories.map((advisory) => `${JSON.stringify(toOsv(advisory))}\n`).join(""));
    case "csaf":
      return utf8(`${JSON.stringify(toCsaf(advisories, { name, namespace }, document, now), null, 2)}\n`);
    case "openvex":
      return utf8(
        `${JSON.stringify(toOpenVex(advisories, name, `${namespace.replace(/\/+$/, "")}/${document}`, now), null, 2)}\n`,
      );
    default:
      return given.format satisfies never;
  }
}
