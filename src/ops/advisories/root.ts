import { resolve } from "node:path";
import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import {
  encodeMetadata,
  parseMetadata,
  roleNames,
  type FeedRoot,
  type RoleName,
} from "../../audit/advisories/feed/metadata.ts";
import type { Role } from "../../audit/advisories/feed/role.ts";
import { parsePublicKeyLine } from "../../ssh/public-key-line.ts";
import { utf8Text } from "../../core/bytes.ts";
import { op, type Context } from "../op.ts";
import { naming } from "../nix/input.ts";
import { Publisher } from "./publisher.ts";

const roleWord = `one of ${roleNames.join(", ")}`;

export const root = op({
  effect: "write",
  input: z.object({
    directory: z.string().describe("where the feed is made"),
    feed: z.string().optional().describe("its name; needed the first time").meta({ value: "NAME" }),
    key: z
      .array(z.string())
      .default([])
      .describe("a public key for a role, all keys of the role together; roles that are not named stay")
      .meta({ value: "ROLE=FILE" }),
    threshold: z
      .array(z.string())
      .default([])
      .describe("how many of the role's keys must sign (default: 1, critical 2)")
      .meta({ value: "ROLE=N" }),
    days: z.number().int().min(1).max(3650).default(365).describe("until it expires"),
  }),
  positional: ["directory"],
  output: z.object({
    version: z.number(),
    feed: z.string(),
    roles: z.record(z.string(), z.object({ keys: z.array(z.string()), threshold: z.number() })),
  }),
  examples: [
    {
      command:
        "nixseal advisories root feed --feed example --key root=a.pub --key targets=a.pub --key critical=a.pub --key critical=b.pub --key snapshot=ci.pub --key timestamp=ci.pub",
      says: "a draft of the root; sign it next",
    },
    {
      command: "nixseal advisories root feed --key timestamp=new.pub",
      says: "another key for one role, the others stay",
    },
  ],
  run: async (context, input) => {
    const publisher = new Publisher(context.files, resolve(context.workingDirectory, input.directory));
    const old = await publisher.root();
    const name = input.feed ?? old?.feed;
    if (name === undefined)
      throw new NixsealError("usage", "a new feed needs a name", { hint: "give it with --feed NAME" });
    const now = context.clock.now().getTime();
    const next: FeedRoot = {
      type: "root",
      feed: name,
      version: (old?.version ?? 0) + 1,
      expires: new Date(Math.floor(now / 1000) * 1000 + input.days * 86_400_000),
      roles: await roles(context, input.key, input.threshold, old),
    };
    const checked = asUsage(() => parseMetadata("root", encodeMetadata(next)));
    await publisher.writeDraft(checked);
    const view = roleNames.map((role) => {
      const { keys, threshold } = checked.roles[role];
      return [role, { keys: keys.map(({ fingerprint }) => fingerprint), threshold }] as const;
    });
    return { version: checked.version, feed: checked.feed, roles: Object.fromEntries(view) };
  },
  text: ({ version, feed, roles: shown }, paint) =>
    [
      `${paint.strong(`draft of root ${version}`)} of ${feed}`,
      ...Object.entries(shown).map(
        ([role, { keys, threshold }]) => `${role.padEnd(10)} ${threshold} of ${keys.join(" ")}`,
      ),
      "next: nixseal advisories sign DIR root --key FILE",
    ].join("\n"),
});

async function roles(
  context: Pick<Context, "files" | "workingDirectory">,
  keys: readonly string[],
  thresholds: readonly string[],
  old: FeedRoot | null,
): Promise<Record<RoleName, Role>> {
  const given = new Map<RoleName, Role["keys"][number][]>();
  for (const [role, file] of keys.map(assignment)) {
    const bytes = await context.files.read(resolve(context.workingDirectory, file), { limit: 64 << 10 });
    const { key } = await naming(file, async () => parsePublicKeyLine(utf8Text(bytes, "public key")));
    given.set(role, [...(given.get(role) ?? []), key]);
  }
  const counts = new Map(thresholds.map(assignment).map(([role, count]) => [role, Number(count)]));
  const entries = roleNames.map((role) => {
    const named = given.get(role) ?? old?.roles[role].keys;
    if (named === undefined)
      throw new NixsealError("usage", `the role ${role} has no key`, {
        hint: `give one with --key ${role}=FILE.pub`,
      });
    return [
      role,
      {
        keys: named,
        threshold: counts.get(role) ?? old?.roles[role].threshold ?? (role === "critical" ? 2 : 1),
      },
    ] as const;
  });
  return Object.fromEntries(entries) as Record<RoleName, Role>;
}

function assignment(text: string): [RoleName, string] {
  const equals = text.indexOf("=");
  const role = roleNames.find((name) => name === text.slice(0, equals));
  if (role === undefined)
    throw new NixsealError("usage", `'${text}': expected ROLE=VALUE`, { hint: `a role is ${roleWord}` });
  return [role, text.slice(equals + 1)];
}

/** What clients would refuse is the fault of whoever wrote the command line. */
function asUsage<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof NixsealError) || error.code !== "malformed") throw error;
    throw new NixsealError("usage", error.message, { hint: error.hint, cause: error });
  }
}
