import { resolve } from "node:path";
import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import { parseChannelTable } from "../../audit/advisories/channels.ts";
import { readCollection } from "../../audit/advisories/collection-file.ts";
import { changedSince } from "../../audit/advisories/delta.ts";
import { draftFeed, type Content } from "../../audit/advisories/feed/draft.ts";
import { sha256Hex } from "../../audit/advisories/feed/metadata.ts";
import { layerName } from "../../audit/advisories/feed/source.ts";
import { buildIndex } from "../../audit/advisories/index/build.ts";
import { op, type Context } from "../op.ts";
import { naming } from "../nix/input.ts";
import { Publisher } from "./publisher.ts";

const input = z.object({
  directory: z.string().describe("where the feed is made"),
  collection: z
    .string()
    .optional()
    .describe("the advisories; without it only the timestamp is made anew")
    .meta({ value: "FILE" }),
  since: z
    .string()
    .optional()
    .describe("the collection of last time: only what changed goes into a new layer")
    .meta({ value: "FILE" }),
  channels: z
    .string()
    .optional()
    .describe("the channel table, JSON: a list of revisions a channel")
    .meta({ value: "FILE" }),
  critical: z
    .array(z.string())
    .default([])
    .describe("an advisory that hosts may act on by themselves")
    .meta({ value: "ID" }),
  hours: z.number().int().min(1).max(8760).default(48).describe("until the timestamp expires"),
  days: z.number().int().min(1).max(3650).default(90).describe("until the rest expires"),
});

export const publish = op({
  effect: "write",
  input,
  positional: ["directory"],
  output: z.object({ drafts: z.array(z.string()), layers: z.number(), advisories: z.number().nullable() }),
  examples: [
    {
      command: "nixseal advisories publish feed --collection advisories.jsonl",
      says: "drafts of everything",
    },
    {
      command: "nixseal advisories publish feed --collection advisories.jsonl --since yesterday.jsonl",
      says: "a small layer with what changed",
    },
    { command: "nixseal advisories publish feed", says: "every day: a new timestamp" },
  ],
  run: async (context, given) => {
    const publisher = new Publisher(context.files, resolve(context.workingDirectory, given.directory));
    const root = await publisher.requiredRoot();
    const published = await publisher.published();
    const made =
      given.collection === undefined
        ? null
        : await content(context, given, publisher.directory, published?.targets.layers ?? []);
    if (made === null && published === null)
      throw new NixsealError("usage", "the feed has no content yet", {
        hint: "give it with --collection FILE",
      });
    const lifetimes = { timestamp: given.hours / 24, others: given.days };
    const draft = draftFeed(root, published, made?.content ?? null, context.clock.now(), lifetimes);
    const drafts = Object.values(draft);
    for (const metadata of drafts) await publisher.writeDraft(metadata);
    return {
      drafts: drafts.map(({ type }) => type),
      layers: (made?.content.layers ?? published?.targets.layers ?? []).length,
      advisories: made?.advisories ?? null,
    };
  },
  text: ({ drafts, layers, advisories }, paint) =>
    [
      paint.good(
        advisories === null
          ? "a new timestamp"
          : `${advisories} advisories, ${layers} layer${layers === 1 ? "" : "s"}`,
      ),
      `drafts: ${drafts.join(", ")}`,
      "next: nixseal advisories sign DIR --key FILE, with the keys of every role",
    ].join("\n"),
});

async function content(
  context: Pick<Context, "files" | "workingDirectory">,
  given: z.output<typeof input>,
  directory: string,
  layers: Content["layers"],
): Promise<{ content: Content; advisories: number }> {
  const { files, workingDirectory } = context;
  const path = (file: string): string => resolve(workingDirectory, file);
  const read = async (file: string) => {
    if ((await files.status(path(file))) === null)
      throw new NixsealError("not-found", `${file}: no such file`);
    return readCollection(files, path(file));
  };
  const collection = await read(given.collection!);
  for (const id of given.critical)
    if (collection.get(id) === undefined) throw new NixsealError("usage", `${id} is not in the collection`);
  const old = given.since === undefined ? null : await read(given.since);
  const advisories = old === null ? collection.sorted() : changedSince(old, collection);
  const table = given.channels;
  const revisions =
    table === undefined
      ? []
      : await naming(table, async () =>
          parseChannelTable(await files.read(path(table), { limit: 64 << 20 })),
        );
  const bytes = buildIndex(advisories, revisions);
  const layer = { digest: sha256Hex(bytes), length: bytes.length };
  await files.makeDirectory(`${directory}/layers`, { mode: 0o755, parents: true });
  await files.writeAtomic(`${directory}/${layerName(layer.digest)}`, bytes, { mode: 0o644 });
  const below = old === null ? [] : layers.filter(({ digest }) => digest !== layer.digest);
  return { content: { layers: [...below, layer], critical: given.critical }, advisories: advisories.length };
}
