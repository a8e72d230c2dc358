import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import { exitCodes } from "../../core/exit.ts";
import * as rules from "../../inventory/field-rules.ts";
import { selectHosts } from "../../inventory/selectors.ts";
import { withLockedFleet } from "../locked-fleet.ts";
import { op } from "../op.ts";
import { openState } from "../shared-state.ts";
import { openTrust } from "../trust/open.ts";
import { withLateSsh } from "./connect.ts";
import { execute } from "./execute.ts";
import {
  connectionFlags,
  orderFlags,
  rebootBound,
  rebootFlags,
  rebootsOf,
  rolloutOf,
  signerFlags,
  waveFlags,
} from "./flags.ts";
import { formersOf, orderAgain, planOfOrders } from "./former-orders.ts";
import { requireHosts } from "./orders.ts";
import { reportSchema, reportText, reportView } from "./report.ts";
import { signOrders } from "./sign-orders.ts";

export const deployRollback = op({
  effect: "write",
  input: z.object({
    hosts: z.array(z.string()).default([]).describe("which hosts"),
    expires: orderFlags.expires,
    ...waveFlags,
    ...rebootFlags,
    ...rebootBound,
    ...connectionFlags,
    ...signerFlags,
  }),
  positional: ["hosts"],
  output: reportSchema,
  examples: [
    {
      command: "nixseal deploy rollback lufta",
      says: "order once more what ran before, sign it, activate it: the paths are there still",
    },
  ],
  run: (context, given) =>
    withLateSsh(context, given.identity, async (connect) => {
      const ready = await withLockedFleet(context, "deploy rollback", false, async (open) => {
        const hosts = selectHosts(open.fleet, given.hosts);
        requireHosts(hosts);
        const ssh = await connect(hosts);
        const formers = await formersOf(context, open, ssh, hosts);
        const lines = [...formers].map(
          ([name, { warrant }]) => `${name}: back to ${warrant.toplevel} (order ${warrant.seq})`,
        );
        if (!given.yes && !(await context.person.askYesNo(`${lines.join("\n")}\nSign and deploy this?`)))
          throw new NixsealError("cancelled", "nothing was deployed");
        const trust = await openTrust(context, open.directory);
        const orders = await orderAgain(context, open, formers, rules.seconds(given.expires));
        const signed = await signOrders(context, open, trust, [...orders.values()], given);
        return {
          open,
          ssh,
          trust,
          orders: new Map([...orders.keys()].map((name, index) => [name, signed[index]!])),
        };
      });
      const { open, ssh, trust, orders } = ready;
      const plan = planOfOrders(context, open, orders, rolloutOf(given, open.fleet.deploy), rebootsOf(given));
      const state = await openState(context, open);
      const execution = {
        plan,
        orders,
        store: null,
        choice: given,
        present: true,
        rebootWithin: rules.seconds(given.rebootWithin) * 1000,
      };
      const report = await execute({ context, open, trust, ssh, state }, execution);
      return reportView(plan, report, []);
    }),
  text: reportText,
  exit: ({ hosts }) =>
    hosts.every(({ outcome }) => outcome === "done") ? exitCodes.done : exitCodes.partial,
});
