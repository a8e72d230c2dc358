import { NixsealError } from "../core/errors.ts";
import { exitCodes, exitCodeOf, type ExitCode } from "../core/exit.ts";
import { usualBounds, type Gate } from "../gate/activate/gate.ts";
import type { Answered } from "../gate/import/answers.ts";
import { refusalResult, type GateResult } from "../gate/answer.ts";
import { parseMessage, type GateMessage } from "../gate/message.ts";
import { MessageLines } from "../gate/read-message.ts";
import type { StoreMessage } from "../gate/store-message.ts";
import { actions } from "../trust/warrant/model.ts";
import { listener } from "./gate-listener.ts";
import { openGateLog, type GateLog } from "./gate-log.ts";
import { openGate, type OpenGate } from "./gate-open.ts";
import { peerOf } from "./gate-peer.ts";
import { rootOf, rootOption } from "./root.ts";
import { errorText } from "./text.ts";
import type { AgentContext, AgentVerb, Values } from "./verb.ts";

/** Each message has a process of its own, which loads what is to be done about that one. */
const parts = {
  activate: () => import("../gate/activate/activate.ts"),
  breakGlass: () => import("../gate/activate/break-glass.ts"),
  confirm: () => import("../gate/activate/confirm.ts"),
  imports: () => import("../gate/import/serve.ts"),
  ledger: () => import("./complete-ledger.ts"),
  offer: () => import("../gate/activate/offer.ts"),
  reboot: () => import("../gate/activate/reboot.ts"),
  recover: () => import("../gate/activate/recover.ts"),
  secrets: () => import("./secrets-push.ts"),
  status: () => import("../gate/activate/status.ts"),
  pushed: () => import("./pushed-status.ts"),
  unit: () => import("./gate-unit.ts"),
};

export const activate: AgentVerb = {
  options: [
    { name: "peer", value: "INSTANCE", summary: "the connection's name, systemd's %i: its uid is checked" },
    { name: "recover", summary: "finish or undo an activation that was cut short; reads no message" },
    {
      name: "console",
      value: "PATH",
      summary: "break-glass: activate a system without a warrant, at a terminal",
    },
    { name: "action", value: "ACTION", choices: actions, summary: "with --console (default: switch)" },
    { name: "here", summary: "in this process, not in a systemd unit of its own" },
    rootOption,
  ],
  examples: [
    `echo '{"kind":"status"}' | nixseal-agent activate`,
    "nixseal-agent activate --recover",
    "nixseal-agent activate --console /nix/store/…-nixos-system-lufta-24.11",
  ],
  exits: ["3 activated and undone again", "4 refused"],
  run: async (context, values) => {
    const root = await rootOf(context.files, values);
    const log = await openGateLog(context, root);
    const json = values["json"] === true || !context.streams.stdoutIsTerminal;
    const tell = listener(context.out, context.clock, json);
    try {
      const open = await openGate(context.files, root);
      return await answer(context, values, root, { open, log, tell });
    } catch (error) {
      await log.write("error", errorText(error).trim());
      await tell(refusalResult(error));
      if (!(error instanceof NixsealError)) throw error;
      return exitCodeOf(error);
    } finally {
      await log.end();
    }
  },
};

interface Parts {
  readonly open: OpenGate;
  readonly log: GateLog;
  readonly tell: ReturnType<typeof listener>;
}

async function answer(
  context: AgentContext,
  values: Values,
  root: string,
  { open, log, tell }: Parts,
): Promise<ExitCode> {
  const { processes, environment, streams, clock } = context;
  const instance = values["peer"];
  const peer = await peerOf(
    { processes, environment },
    typeof instance === "string" ? instance : undefined,
    open.config.user,
  );
  const say: Gate["say"] = async (step, message, { level = "info", data } = {}) => {
    await log.write(level, `${step}: ${message}`);
    await tell({ kind: "event", step, message, ...(data === undefined ? {} : { data }) });
  };
  const gate: Gate = { ...context, ...open, bounds: usualBounds, say, peer };
  const own = values["here"] === undefined && root === "" && (await hasSystemd(context));
  if (values["recover"] === true) {
    if (own) {
      const { runInOwnUnit } = await parts.unit();
      return exit(await runInOwnUnit(context, ["--recover"], { input: new Uint8Array(), recovers: null }));
    }
    // As ExecStopPost= of a machine that goes down: it comes up with the former system, which is what going back is.
    if (environment.get("SERVICE_RESULT") !== undefined && (await goesDown(context))) return exitCodes.done;
    await (await parts.recover()).settle(gate);
    return exitCodes.done;
  }
  const console = values["console"];
  if (typeof console === "string") return conclude(await atConsole(context, gate, console, values), tell);
  const lines = new MessageLines(streams.stdin({ reuse: true }), clock);
  const line = await lines.first();
  const message = parseMessage(line, open.config.storeDirectory);
  if (message.kind !== "import" || message.bytes === null) lines.requireAlone();
  if (message.kind === "import" || message.kind === "upload" || message.kind === "witness") {
    const { serveImports } = await parts.imports();
    const warn = (notice: string) => log.write("warning", notice);
    const answerAll = async (answers: readonly Answered[]): Promise<void> => {
      await log.writeAll(
        answers.map(({ result, told }) => ({ level: result.ok ? "info" : "warning", text: told })),
      );
      await tell(...answers.map(({ result }) => result));
    };
    await serveImports(context, open, message, lines, answerAll, warn);
    return exitCodes.done;
  }
  lines.close(); // what would come after the line is nobody's to read
  if (!own || !runsSystems(message)) return conclude(await follow(context, gate, root, message), tell);
  const { runInOwnUnit } = await parts.unit();
  const identity = peer === null ? [] : [`--peer=0-0-${peer}`];
  const recovers =
    message.kind === "activate" ? (open.config.confirm?.within ?? 0) + 3 * usualBounds.switch : null;
  return exit(await runInOwnUnit(context, [...identity, "--json"], { input: line, recovers }));
}

/** What starts programs of a system, or ends it, and so may end up ending us, or writes where the confined process may not. */
function runsSystems({ kind }: GateMessage): boolean {
  return ["activate", "confirm", "revert", "reboot", "secrets"].includes(kind);
}

async function follow(
  context: AgentContext,
  gate: Gate,
  root: string,
  message: Exclude<GateMessage, StoreMessage>,
): Promise<GateResult> {
  switch (message.kind) {
    case "offer":
      return (await parts.offer()).offer(gate, message);
    case "activate":
      await (await parts.ledger()).completeLedger(context, gate);
      return (await parts.activate()).activate(gate, message);
    case "confirm":
      return (await parts.confirm()).confirm(gate, message);
    case "revert":
      return (await parts.confirm()).revert(gate, message);
    case "reboot":
      return (await parts.reboot()).reboot(gate, message);
    case "secrets":
      return (await parts.secrets()).pushSecrets(context, gate, root, message);
    case "status": {
      const [{ status }, { pushedStatus }] = await Promise.all([parts.status(), parts.pushed()]);
      return { ...(await status(gate)), secrets: await pushedStatus(gate, root) };
    }
  }
}

/** A person at the machine, who says so: neither a connection nor a rule of sudo brings that about. */
async function atConsole(
  context: AgentContext,
  gate: Gate,
  path: string,
  values: Values,
): Promise<GateResult> {
  if (!context.streams.stdinIsTerminal || gate.peer !== null)
    throw new NixsealError("refused", "--console is for root at a terminal", {
      hint: "a message with a warrant needs no terminal",
    });
  const sure = await context.person.askYesNo(`activate ${path} on ${gate.config.host} without a warrant?`);
  if (!sure) throw new NixsealError("cancelled", "nothing was done");
  const { activateAtConsole } = await parts.breakGlass();
  return activateAtConsole(gate, path, actions.find((one) => one === values["action"]) ?? "switch");
}

async function conclude(result: GateResult, tell: Parts["tell"]): Promise<ExitCode> {
  await tell(result);
  return result.ok ? exitCodes.done : exitCodes.partial;
}

async function hasSystemd({ files }: AgentContext): Promise<boolean> {
  return (await files.status("/run/systemd/system")) !== null;
}

async function goesDown({ processes }: AgentContext): Promise<boolean> {
  const { stdout } = await processes.run({ program: "systemctl", args: ["is-system-running"] });
  return Buffer.from(stdout).toString("latin1").trim() === "stopping";
}

function exit(code: number): ExitCode {
  return Object.values(exitCodes).find((known) => known === code) ?? exitCodes.bug;
}
