import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import { exitCodes } from "../../core/exit.ts";
import { recipientsIn, type NamedRecipient } from "../../inventory/recipients.ts";
import type { Secret } from "../../inventory/model.ts";
import { selectSecrets } from "../../inventory/selectors.ts";
import { judge, type Marks } from "../../secrets/store/judge.ts";
import type { Identity } from "../../secrets/age/identity.ts";
import { rekeySecrets, type RekeyFailure, type RekeyItem } from "../../secrets/store/rekey.ts";
import { readStored } from "../../secrets/store/stored-secret.ts";
import type { OpenFleet } from "../fleet-context.ts";
import { op, type Context } from "../op.ts";
import { identityFlag, loadIdentities } from "./identities.ts";
import { withLockedStore } from "./locked-store.ts";
import { recipientParser } from "./recipient-parser.ts";

const change = z.object({ secret: z.string(), missing: z.array(z.string()), surplus: z.array(z.string()) });
const failure = z.object({ secret: z.string(), code: z.string(), message: z.string() });

export const rekey = op({
  effect: "write",
  input: z.object({
    selector: z.array(z.string()).describe("names or globs of secrets (default: all)").default([]),
    all: z.boolean().describe("also what is up to date").default(false),
    dryRun: z.boolean().describe("say what would be done and change nothing; needs no key").default(false),
    identity: identityFlag,
  }),
  positional: ["selector"],
  output: z.object({
    dryRun: z.boolean(),
    rekeyed: z.array(change),
    upToDate: z.number(),
    withoutValue: z.array(z.string()),
    failed: z.array(failure),
  }),
  examples: [
    { command: "nixseal secrets rekey --dry-run", says: "what is out of date, and why" },
    { command: "nixseal secrets rekey", says: "encrypts that anew and leaves every other file alone" },
  ],
  run: (context, input) =>
    withLockedStore(context, "secrets rekey", input.dryRun, async (open) => {
      const { fleet } = open;
      const chosen =
        input.selector.length === 0 ? [...fleet.secrets.values()] : selectSecrets(fleet, input.selector);
      const verdicts: Verdicts = { changes: [], upToDate: 0, withoutValue: [], failed: [] };
      const items = outOfDate(context, open, chosen, input.all, verdicts);
      const failures = input.dryRun
        ? await passOver(items)
        : await rekeySecrets(items, identitiesOnce(context, input.identity), open.directory, context, {
            parse: recipientParser(context),
            total: () => chosen.length - verdicts.upToDate,
          });
      const { changes, upToDate, withoutValue } = verdicts;
      const [first] = failures;
      if (first !== undefined && failures.length === changes.length) throw first.error;
      const failed = new Set(failures.map(({ secret }) => secret));
      return {
        dryRun: input.dryRun,
        rekeyed: changes.filter(({ secret }) => !failed.has(secret)),
        upToDate,
        withoutValue,
        failed: [
          ...verdicts.failed,
          ...failures.map(({ secret, error }) => ({ secret, code: error.code, message: error.message })),
        ],
      };
    }),
  text: ({ dryRun, rekeyed, upToDate, withoutValue, failed }, paint) => {
    const why = ({ missing, surplus }: z.infer<typeof change>): string => {
      const parts = [...missing.map((name) => `+${name}`), ...surplus.map((name) => `-${name}`)];
      return parts.length === 0 ? "" : ` (${parts.slice(0, 6).join(", ")}${parts.length > 6 ? ", …" : ""})`;
    };
    return [
      ...rekeyed.map((item) => `${dryRun ? "would rekey" : "rekeyed"} ${item.secret}${why(item)}`),
      ...withoutValue.map((name) => `${name} has no value yet`),
      ...failed.map(({ secret, message }) => `${paint.bad("failed")} ${secret}: ${message}`),
      `${rekeyed.length} ${dryRun ? "to rekey" : "rekeyed"}, ${upToDate} up to date${failed.length > 0 ? `, ${failed.length} failed` : ""}`,
    ].join("\n");
  },
  exit: ({ failed }) => (failed.length > 0 ? exitCodes.partial : exitCodes.done),
});

/** What was found so far of the secrets that were chosen. */
interface Verdicts {
  readonly changes: z.infer<typeof change>[];
  upToDate: number;
  readonly withoutValue: string[];
  readonly failed: z.infer<typeof failure>[];
}

/**
 * What is out of date, judged without a key, one after another: the next one is looked at while those before it are
 * encrypted. A broken file is a failure of its own and stops nothing else.
 */
async function* outOfDate(
  context: Context,
  { directory, fleet }: OpenFleet,
  chosen: readonly Secret[],
  all: boolean,
  verdicts: Verdicts,
): AsyncGenerator<RekeyItem> {
  const marks: Marks = new Map();
  const recipientsOf = recipientsIn(fleet);
  const judgeOne = async ({ name }: Secret, wanted: readonly NamedRecipient[]): Promise<RekeyItem | null> => {
    const stored = await readStored(context.files, directory, name);
    if (stored === null) {
      verdicts.withoutValue.push(name);
      return null;
    }
    const { upToDate, missing, surplus } = judge(wanted, stored, marks);
    if (upToDate && !all) {
      verdicts.upToDate++;
      return null;
    }
    verdicts.changes.push({ secret: name, missing: [...missing], surplus: [...surplus] });
    return { stored, wanted };
  };
  for (const secret of chosen) {
    let item: RekeyItem | null = null;
    try {
      item = await judgeOne(secret, recipientsOf(secret));
    } catch (error) {
      if (!(error instanceof NixsealError)) throw error;
      verdicts.failed.push({ secret: secret.name, code: error.code, message: error.message });
    }
    if (item !== null) yield item;
  }
}

/** A rekey that finds nothing to do needs no key and asks for no passphrase. */
function identitiesOnce(context: Context, given: readonly string[]): () => Promise<readonly Identity[]> {
  let loaded: Promise<readonly Identity[]> | undefined;
  return () => (loaded ??= loadIdentities(context, given));
}

async function passOver(items: AsyncIterable<RekeyItem>): Promise<RekeyFailure[]> {
  for await (const item of items) void item;
  return [];
}
