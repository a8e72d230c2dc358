import { z } from "zod";
import { NixsealError } from "../../core/errors.ts";
import { exitCodes } from "../../core/exit.ts";
import { recipientsOf } from "../../inventory/recipients.ts";
import { selectSecrets } from "../../inventory/selectors.ts";
import { judge, type Marks } from "../../secrets/store/judge.ts";
import { rekeySecrets, type RekeyItem } from "../../secrets/store/rekey.ts";
import { readStored } from "../../secrets/store/stored-secret.ts";
import type { OpenFleet } from "../fleet-context.ts";
import { op, type Context } from "../op.ts";
import { identityFlag, loadIdentities } from "./identities.ts";
import { withLockedFleet } from "../locked-fleet.ts";
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
    withLockedFleet(context, "secrets rekey", input.dryRun, async (open) => {
      const { items, ...rest } = await plan(context, open, input.selector, input.all);
      const changes = items.map(({ stored, missing, surplus }) => ({
        secret: stored.name,
        missing,
        surplus,
      }));
      if (input.dryRun || items.length === 0) return { dryRun: input.dryRun, rekeyed: changes, ...rest };
      const identities = await loadIdentities(context, input.identity);
      const failures = await rekeySecrets(
        items,
        identities,
        open.directory,
        context,
        recipientParser(context),
      );
      const [first] = failures;
      if (first !== undefined && failures.length === items.length) throw first.error;
      const failed = new Set(failures.map(({ secret }) => secret));
      return {
        dryRun: false,
        rekeyed: changes.filter(({ secret }) => !failed.has(secret)),
        ...rest,
        failed: [
          ...rest.failed,
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

/** What is out of date, judged without a key. A broken file is a failure of its own and stops nothing else. */
async function plan(
  context: Context,
  { directory, fleet }: OpenFleet,
  selector: readonly string[],
  all: boolean,
) {
  const chosen = selector.length === 0 ? [...fleet.secrets.values()] : selectSecrets(fleet, selector);
  const marks: Marks = new Map();
  const items: (RekeyItem & { missing: string[]; surplus: string[] })[] = [];
  const withoutValue: string[] = [];
  const failed: z.infer<typeof failure>[] = [];
  let upToDate = 0;
  for (const secret of chosen) {
    try {
      const wanted = recipientsOf(fleet, secret);
      const stored = await readStored(context.files, directory, secret.name);
      if (stored === null) withoutValue.push(secret.name);
      else {
        const { missing, surplus, ...verdict } = judge(wanted, stored, marks);
        if (verdict.upToDate && !all) upToDate++;
        else items.push({ stored, wanted, missing: [...missing], surplus: [...surplus] });
      }
    } catch (error) {
      if (!(error instanceof NixsealError)) throw error;
      failed.push({ secret: secret.name, code: error.code, message: error.message });
    }
  }
  return { items, withoutValue, failed, upToDate };
}
