import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import * as rules from "../../inventory/field-rules.ts";
import { oneSecret } from "../../inventory/selectors.ts";
import { leaseLimits } from "../../secrets/lease/message.ts";
import { takeLease, type Lease } from "../../secrets/lease/take.ts";
import { openFleet } from "../fleet-context.ts";
import { matching } from "../matching.ts";
import { op, type Context } from "../op.ts";
import { holderHere, holderOn } from "./holder.ts";
import { identityFlag } from "./identities.ts";
import { openSecrets } from "./open-secrets.ts";

/** Stands for the lease's directory in the command's words, as `@name@` does in files that Nix fills in. */
const placeholder = "@lease@";

export const withSecrets = op({
  effect: "read",
  input: z.object({
    names: z.array(z.string()).meta({ value: "NAME" }).describe("the secrets that the command needs"),
    command: z
      .array(z.string())
      .meta({ value: "COMMAND" })
      .describe(`what is run, with its arguments; ${placeholder} in them is the directory of the values`),
    on: z
      .string()
      .optional()
      .meta({ value: "HOST" })
      .describe("keep the values on this machine, over your own ssh; the command still runs here"),
    for: matching(rules.pause)
      .default("1h")
      .meta({ value: "DURATION" })
      .describe("when the values go, whatever still runs"),
    forSandbox: z
      .boolean()
      .default(false)
      .describe("files of mode 0444, for extra-sandbox-paths; the directory stays yours alone"),
    identity: identityFlag,
  }),
  positional: ["names"],
  rest: "command",
  output: z.object({ command: z.string(), exit: z.number() }),
  examples: [
    {
      command: "nixseal secrets with netrc -- nix build --option netrc-file @lease@/netrc .#web",
      says: "a netrc that exists while Nix runs, in memory",
    },
    {
      command:
        "nixseal secrets with key --on builder --for-sandbox -- nix build --store ssh-ng://builder --option extra-sandbox-paths /key=@lease@/key .#signed",
      says: "a value on a builder, for a build in its sandbox",
    },
  ],
  run: async (context, { names, command, on, forSandbox, identity, ...given }) => {
    const [program, ...args] = command;
    if (program === undefined || program === "")
      throw new NixsealError("usage", "there is no command", {
        hint: "it stands behind two dashes: -- COMMAND",
      });
    if (names.length === 0)
      throw new NixsealError("usage", "there is no secret", { hint: "nixseal secrets with NAME -- COMMAND" });
    const seconds = rules.seconds(given.for);
    if (seconds < 1 || seconds > leaseLimits.seconds)
      throw new NixsealError("usage", `--for ${given.for}: from 1s to ${leaseLimits.seconds / 3600}h`);
    const open = await openFleet(context);
    const { directory, fleet } = open;
    const wanted = [...new Set(names)].map((name) => oneSecret(fleet, name).name);
    const holder = on === undefined ? holderHere(context) : await holderOn(context, open, on);
    try {
      const secrets = await openSecrets(context, directory, wanted, identity);
      const mode = forSandbox ? "0444" : "0400";
      const lease = await takeLease(context, holder, { secrets, seconds, mode });
      warnOfSwap(context, lease);
      const fill = (word: string): string => word.replaceAll(placeholder, lease.path);
      const exit = await whileLeased(context, lease, holder.remote, () =>
        context.processes.wrap({
          program,
          args: args.map((word) => fill(word)),
          env: { NIXSEAL_LEASE: lease.path },
          stdoutToStderr: context.json,
        }),
      );
      return { command: program, exit };
    } finally {
      await holder.close();
    }
  },
  text: () => "",
  exit: ({ exit }) => exit,
});

/** The lease ends with the work, whatever becomes of it. */
async function whileLeased(
  { emit, files }: Context,
  lease: Lease,
  remote: boolean,
  work: () => Promise<number>,
): Promise<number> {
  // A holder that was killed cannot remove anything; what lies on this machine, we can.
  const removed = (): Promise<void> => (remote ? Promise.resolve() : files.shredTree(lease.path));
  let state: "held" | "early" | "given back" = "held";
  const gone = (): void => {
    state = "early";
    emit({
      type: "warning",
      message: "the values are gone before the command has ended",
      hint: "a longer --for keeps them longer; else the connection was lost, or the holder was ended",
    });
  };
  const watch = async (): Promise<void> => {
    await lease.ended;
    if (state !== "held") return;
    gone();
    await removed();
  };
  watch().catch(() => undefined); // tried again, and told, at the end
  const giveBack = async (): Promise<void> => {
    const told = state === "early";
    state = "given back";
    // The command did what it did: that the lease ended in the same moment changes neither that nor its exit code.
    if (!(await lease.end()) && !told) gone();
    await removed();
  };
  let exit: number;
  try {
    exit = await work();
  } catch (error) {
    await giveBack();
    throw error;
  }
  await giveBack();
  return exit;
}

function warnOfSwap({ emit }: Context, { swap }: Lease): void {
  if (swap.length > 0)
    emit({
      type: "warning",
      message: `the values may reach the swap on ${swap.join(", ")} while the command runs`,
      hint: "use encrypted swap, or swapoff meanwhile",
    });
}
