import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import * as rules from "../../inventory/field-rules.ts";
import type { Fleet } from "../../inventory/model.ts";
import { selectHosts } from "../../inventory/selectors.ts";
import { warrantsDirectory } from "../../trust/warrant/store.ts";
import { actions, type Subject } from "../../trust/warrant/model.ts";
import { withLockedFleet } from "../locked-fleet.ts";
import { matching } from "../matching.ts";
import { op, type Context } from "../op.ts";
import { openTrust } from "../trust/open.ts";
import { fleetName } from "../trust/root-flags.ts";
import { contentOf } from "./content.ts";
import { draftInto } from "./draft-file.ts";
import { signing, signWarrant } from "./sign.ts";
import { sizeText, subjectText, warrantSchema, warrantView } from "./view.ts";

const input = z.object({
  hosts: z
    .array(z.string())
    .default([])
    .describe("which hosts, one warrant each: names, globs, tag:T, !name"),
  group: matching(rules.name)
    .optional()
    .meta({ value: "NAME" })
    .describe("one warrant for all hosts of this group of the root, instead of hosts"),
  toplevel: z
    .string()
    .optional()
    .meta({ value: "PATH" })
    .describe("the system, a store path or a link to one"),
  action: z.enum(actions).default("switch").describe("what the hosts do with it"),
  expires: matching(rules.duration).default("24h").meta({ value: "DURATION" }).describe("how long it holds"),
  store: z
    .string()
    .optional()
    .meta({ value: "STORE" })
    .describe("where the system is, as for nix --store (default: this machine's store)"),
  cache: z
    .string()
    .optional()
    .meta({ value: "DIR" })
    .describe("a binary cache that has it: a directory or a file:// URL; its signatures are verified"),
  cacheKey: z
    .array(z.string())
    .default([])
    .meta({ value: "NAME:KEY" })
    .describe("a key that may have signed there, beside the root's upstream keys"),
  after: z
    .string()
    .optional()
    .meta({ value: "FILE" })
    .describe(`the warrant that it follows (default: the newest one in ${warrantsDirectory}/)`),
  rollbackTo: z
    .string()
    .optional()
    .meta({ value: "FILE" })
    .describe("order once more what this former warrant ordered"),
  out: z
    .string()
    .optional()
    .meta({ short: "o", value: "FILE" })
    .describe(`where to write it (default: ${warrantsDirectory}/HOST/NNNN.json)`),
  sign: z.boolean().default(false).describe("sign it too, as 'warrant sign' does"),
  ...signing,
});

export const warrantCreate = op({
  effect: "write",
  input,
  positional: ["hosts"],
  output: z.object({
    warrants: z.array(
      warrantSchema.extend({ file: z.string(), replaced: z.boolean().describe("an unsigned one before") }),
    ),
    signedBy: z.string().nullable().describe("with --sign: the member who signed"),
  }),
  examples: [
    { command: "nixseal warrant create lufta --toplevel ./result", says: "for what was built, for a day" },
    {
      command: "nixseal warrant create lufta --rollback-to warrants/lufta/0041.json --sign",
      says: "back to an earlier system, as a new order, in one step",
    },
    {
      command: "nixseal warrant create --group edge --toplevel /nix/store/… --cache /srv/cache --action boot",
      says: "for every host of a group, from a binary cache",
    },
  ],
  run: async (context, given) => {
    const files: string[] = [];
    const warrants = await withLockedFleet(context, "warrant create", false, async ({ directory, fleet }) => {
      const subjects = await subjectsOf(context, directory, fleet, given);
      if (subjects.length > 1 && (given.out ?? given.after) !== undefined)
        throw new NixsealError("usage", `--${given.out === undefined ? "after" : "out"} is for one warrant`, {
          hint: `the selectors pick ${subjects.length} hosts`,
        });
      const name = fleetName(fleet);
      const { closure, source } = await contentOf(context, directory, name, given);
      const made = [];
      for (const subject of subjects) {
        const order = { fleet: name, subject, action: given.action, source };
        const how = { seconds: rules.seconds(given.expires), after: given.after, out: given.out };
        const { envelope, file, path, replaced } = await draftInto(context, directory, order, closure, how);
        files.push(path);
        made.push({ ...warrantView(envelope), file, replaced });
      }
      return made;
    });
    let signedBy: string | null = null;
    const { key, certificate, yes } = given;
    if (given.sign)
      for (const file of files)
        signedBy = (await signWarrant(context, { file, key, certificate, yes })).principal;
    return { warrants, signedBy };
  },
  text: ({ warrants, signedBy }, paint) =>
    [
      ...warrants.map((one) => {
        const size = `${one.paths} paths, ${sizeText(one.bytes)}`;
        const what = `warrant ${one.seq} for ${subjectText(one)}: ${one.action} ${one.toplevel}`;
        return `${one.replaced ? "replaced" : "created"} ${paint.strong(one.file)}\n  ${what}\n  ${size}, until ${one.expires}`;
      }),
      signedBy === null
        ? `\nNext: nixseal warrant sign ${warrants[0]!.file}`
        : `\nsigned by ${signedBy}\nNext: nixseal warrant verify ${warrants[0]!.file}`,
    ].join("\n"),
});

async function subjectsOf(
  context: Context,
  directory: string,
  fleet: Fleet,
  { hosts, group }: z.output<typeof input>,
): Promise<Subject[]> {
  if ((group === undefined) === (hosts.length === 0))
    throw new NixsealError("usage", "name hosts, or --group, and not both", { hint: "see --help" });
  if (group === undefined) return selectHosts(fleet, hosts).map(({ name }) => ({ kind: "host", name }));
  const { root } = await openTrust(context, directory);
  if (root.groups.has(group)) return [{ kind: "group", name: group }];
  throw new NixsealError("not-found", `the root has no group '${group}'`, {
    hint: `it has ${[...root.groups.keys()].join(", ") || "none"}; 'nixseal trust rotate --group' adds one`,
  });
}
