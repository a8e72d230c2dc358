import { exitCodes } from "../core/exit.ts";
import { NixsealError } from "../core/errors.ts";
import { hostStatus, type HostStatus } from "../gate/host-status.ts";
import { readSecretsStatus } from "../secrets/install/read-status.ts";
import { layoutOf } from "../secrets/install/layout.ts";
import { gateHost } from "./gate-host.ts";
import { rootOption } from "./root.ts";
import { visible } from "./text.ts";
import type { AgentVerb } from "./verb.ts";

export const status: AgentVerb = {
  options: [rootOption],
  examples: ["nixseal-agent status", "nixseal-agent status --json"],
  exits: ["1 a part could not be read"],
  run: async (context, values) => {
    const host = await gateHost(context, values);
    const gate = await hostStatus(context, host);
    const unknown = [...gate.unknown];
    let secrets = null;
    try {
      secrets = await readSecretsStatus(context.files, layoutOf(host.root));
    } catch (error) {
      if (!(error instanceof NixsealError) || error.code === "bug") throw error;
      unknown.push({ part: "secrets", reason: error.message });
    }
    const document = { ...gate, secrets, unknown };
    const text = statusText(document);
    await context.out(values["json"] === true ? `${JSON.stringify(document)}\n` : visible(text));
    return unknown.length > 0 ? exitCodes.findings : exitCodes.done;
  },
};

type Document = HostStatus & { readonly secrets: Awaited<ReturnType<typeof readSecretsStatus>> };

function statusText(document: Document): string {
  const {
    host,
    fleet,
    mode,
    systems,
    active,
    pending,
    activation,
    receipt,
    trust,
    accepted,
    quarantine,
    ledgerWaiting,
    secrets,
  } = document;
  const rows: [string, string][] = [
    ["host", host === null ? "no gate" : `${host} of ${fleet!}, ${mode!}`],
    ["running", systems.running ?? "unknown"],
    ["booted", systems.booted ?? "unknown"],
    ["boots next", systems.profile ?? "unknown"],
    [
      "warrant",
      active === null ? "none" : `${active.seq} (${active.digest.slice(0, 16)}…) ${active.toplevel}`,
    ],
    ["under way", activation === null ? "nothing" : `${activation.phase} ${activation.toplevel}`],
    ["pending", pending === null ? "unknown" : String(pending.length)],
    ["last receipt", receipt ?? "none"],
    ["root", trust === null ? "unknown" : `version ${trust.root}, until ${trust.expires}`],
    ["revocations", trust?.krl === null || trust === null ? "none seen" : `version ${trust.krl}`],
    ["time floor", accepted?.floor ?? "none"],
    ["quarantine", quarantine === null ? "unknown" : `${quarantine.files} files, ${quarantine.bytes} bytes`],
    ...((ledgerWaiting ?? 0) > 0
      ? [
          ["ledger", "entries wait to be taken in: of an upload under way, or one that was killed"] as [
            string,
            string,
          ],
        ]
      : []),
    [
      "secrets",
      secrets === null
        ? "none installed"
        : `generation ${secrets.generation}, ${secrets.failed.length} failed`,
    ],
    ...document.unknown.map(({ part, reason }): [string, string] => ["unknown", `${part}: ${reason}`]),
  ];
  return rows.map(([name, value]) => `${name.padEnd(13)} ${value}\n`).join("");
}
