import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import { exitCodes } from "../../core/exit.ts";
import type { GateSuccess } from "../../deploy/gate-client.ts";
import { selectHosts } from "../../inventory/selectors.ts";
import { newestWarrant } from "../../trust/warrant/store.ts";
import { openFleet } from "../fleet-context.ts";
import { op, type Context } from "../op.ts";
import { table } from "../table.ts";
import { statuses, withSsh } from "./connect.ts";
import { connectionFlags } from "./flags.ts";
import { keptWithDigest } from "./make-plan.ts";

const hostSchema = z.object({
  host: z.string(),
  state: z.enum(["current", "behind", "unknown", "under way", "offline", "refused"]),
  running: z.string().nullable().describe("the system"),
  seq: z.number().nullable().describe("the number of the order that it runs by, where it is known here"),
  newest: z.number().nullable().describe("the number of the newest order for it"),
  message: z.string(),
});

type HostView = z.output<typeof hostSchema>;

export const deployStatus = op({
  effect: "read",
  input: z.object({
    hosts: z.array(z.string()).default([]).describe("which hosts (default: all)"),
    ...connectionFlags,
  }),
  positional: ["hosts"],
  output: z.object({ hosts: z.array(hostSchema) }),
  examples: [
    { command: "nixseal deploy status", says: "what each host runs, and whether that is the newest order" },
  ],
  run: async (context, given) => {
    const { directory, fleet } = await openFleet(context);
    const hosts = selectHosts(fleet, given.hosts.length === 0 ? ["*"] : given.hosts);
    const answers = await withSsh(context, hosts, given.identity, (ssh) => statuses(context, ssh, hosts));
    const views: HostView[] = [];
    for (const { name } of hosts) views.push(await viewOf(context, directory, name, answers.get(name)!));
    return { hosts: views };
  },
  text: ({ hosts }, paint) =>
    table(
      ["HOST", "STATE", "ORDER", "SYSTEM"],
      hosts.map(({ host, state, running, seq, newest, message }) => [
        host,
        state === "current" ? paint.good(state) : state === "behind" ? state : paint.bad(state),
        seq === null ? "" : seq === newest ? String(seq) : `${seq} of ${newest}`,
        message === "" ? (running ?? "") : message,
      ]),
      paint,
    ),
  exit: ({ hosts }) =>
    hosts.some(({ state }) => state === "offline" || state === "refused")
      ? exitCodes.partial
      : exitCodes.done,
});

async function viewOf(
  { files }: Pick<Context, "files">,
  directory: string,
  host: string,
  answer: GateSuccess | NixsealError,
): Promise<HostView> {
  const newest = (await newestWarrant(files, directory, { kind: "host", name: host }))?.warrant.seq ?? null;
  const nothing = { host, running: null, seq: null, newest };
  if (answer instanceof NixsealError) {
    const state = answer.code === "io" || answer.code === "timeout" ? "offline" : "refused";
    return { ...nothing, state, message: answer.message };
  }
  const text = (value: unknown): string | null => (typeof value === "string" ? value : null);
  const running = text(answer["running"]);
  const active = text(answer["active"]);
  if (answer["activation"] !== null) {
    const { phase } = answer["activation"] as { readonly phase?: unknown };
    return { ...nothing, state: "under way", running, message: `activating: ${text(phase) ?? "?"}` };
  }
  const order = active === null ? null : await keptWithDigest(files, directory, host, active);
  const seq = order?.warrant.seq ?? null;
  // The order says what should run; that it does is another thing, which the host's word shows.
  const isReal = order !== null && (order.warrant.action === "boot" || order.warrant.toplevel === running);
  const state = seq === null || !isReal ? "unknown" : seq === newest ? "current" : "behind";
  const message =
    order !== null && !isReal ? `runs ${running ?? "nothing"}, not what order ${seq} names` : "";
  return { host, running, seq, newest, state, message };
}
