/** Patching through the gate: the newest warrant that waits here and whose system is rid of what hosts may act on. */
import { NixsealError } from "../core/errors.ts";
import { gateConfigFile } from "../gate/config.ts";
import { formatMessage } from "../gate/message.ts";
import { connectRootSide } from "../gate/receive/root-side.ts";
import { gateTime, readKnowledge } from "../gate/state.ts";
import { readWarranted } from "../gate/warranted.ts";
import type { WarrantEnvelope } from "../trust/warrant/envelope.ts";
import type { Patch } from "../watch/patch.ts";
import { openGate } from "./gate-open.ts";
import type { AgentContext } from "./verb.ts";

type Context = Pick<AgentContext, "files" | "processes" | "sockets" | "clock" | "program">;

const no = (reason: string) => ({ done: false, reason });

/**
 * The gate decides as for any message: signatures, sequence, closure, health. A gate that waits for a confirmation would undo the
 * system again, since nobody is there to give one; then nothing is begun.
 */
export function patchByGate(context: Context, root = ""): Patch {
  return async (isRid) => {
    const { files, clock } = context;
    if ((await files.status(`${root}${gateConfigFile}`)) === null) return no("this host has no gate");
    const { config, paths } = await openGate(files, root);
    const knowledge = await readKnowledge(files, paths, config);
    const now = gateTime(clock, knowledge);
    const { envelopes } = await readWarranted(files, paths, { accepted: knowledge.accepted, now });
    const running = await files.readLink(paths.running);
    const found = envelopes.find(
      ({ warrant }) =>
        warrant.toplevel !== running &&
        warrant.action === "switch" &&
        now >= warrant.notBefore &&
        isRid(warrant.paths.map(({ path }) => path)),
    );
    if (found === undefined) return no("no warranted system that is rid of it is waiting");
    if (config.confirm !== null)
      return no(
        `${found.warrant.toplevel} waits with warrant ${found.warrant.seq}, but this gate asks for a confirmation, and nobody is there to give it`,
      );
    return activated(context, root, found);
  };
}

async function activated(
  context: Context,
  root: string,
  { digest, warrant }: WarrantEnvelope,
): Promise<{ readonly done: boolean; readonly reason: string }> {
  const connection = await connectRootSide(context, { root, program: context.program });
  try {
    const order = {
      kind: "activate",
      warrant: digest,
      action: "switch",
      rehash: false,
      fence: null,
      log: null,
    } as const;
    await connection.send(formatMessage(order));
    for (;;) {
      const answer = await connection.next();
      if (answer === null) throw new NixsealError("io", "the root side of the gate gave no answer");
      if (!answer.isResult) continue;
      if (answer.fields.get("ok").boolean())
        return { done: true, reason: `activated ${warrant.toplevel} by warrant ${warrant.seq}` };
      return no(`the gate did not activate warrant ${warrant.seq}: ${answer.fields.get("reason").string()}`);
    }
  } finally {
    connection.close();
  }
}
