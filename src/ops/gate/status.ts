import * as z from "zod";
import { Field } from "../../nix/json-fields.ts";
import { printable } from "../../audit/printable.ts";
import { facts } from "../facts.ts";
import { openFleet } from "../fleet-context.ts";
import { op } from "../op.ts";
import { tellGate } from "./connection.ts";
import { destinationOf, identityFlag } from "./destination.ts";

export const gateStatus = op({
  effect: "read",
  input: z.object({ host: z.string().describe("the host"), identity: identityFlag }),
  positional: ["host"],
  output: z.object({
    host: z.string(),
    running: z.string().nullable(),
    pending: z.array(z.string()).describe("warrants that were offered, by their digests"),
    status: z.record(z.string(), z.unknown()).describe("all that the gate says of itself"),
  }),
  examples: [
    { command: "nixseal gate status lufta", says: "what its gate has accepted, and what is under way" },
  ],
  run: async (context, given) => {
    const { fleet } = await openFleet(context);
    const destination = destinationOf(context, fleet, given.host, given);
    const { kind: _, ok: __, ...status } = await tellGate(context, destination, { kind: "status" });
    const answer = Field.parse(JSON.stringify(status), "status");
    const running = answer.get("running");
    const pending = answer.get("pending").items();
    return {
      host: given.host,
      running: running.isNull ? null : running.string(),
      pending: pending.map((one) => one.string()),
      status,
    };
  },
  text: ({ host, running, pending, status }, paint) =>
    facts([
      ["host", paint.strong(host)],
      ["running", printable(running ?? "nothing that the gate knows")],
      ["root", shown(status["root"])],
      ["revocations", shown(status["krl"] ?? "none")],
      ["accepted", shown(status["heads"])],
      ["offered", pending.map((one) => printable(one))],
      ["under way", shown(status["activation"] ?? "")],
      ["last", shown(status["last"] ?? "")],
    ]),
});

function shown(value: unknown): string {
  return printable(typeof value === "string" ? value : JSON.stringify(value));
}
