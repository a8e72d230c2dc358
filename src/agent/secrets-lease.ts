import { NixsealError } from "../core/errors.ts";
import { exitCodes } from "../core/exit.ts";
import { utf8Text } from "../core/bytes.ts";
import { holdLease } from "../secrets/lease/hold.ts";
import type { AgentVerb } from "./verb.ts";

export const secretsLease: AgentVerb = {
  options: [],
  examples: ["nixseal secrets with netrc --on builder -- nix build --store ssh-ng://builder .#it"],
  exits: ["4 no file system in memory to keep them on"],
  run: async (context) => {
    if (context.streams.stdinIsTerminal)
      throw new NixsealError("usage", "stdin is a terminal, where nobody writes such a message", {
        hint: "'nixseal secrets with' starts it, here or on another machine",
      });
    const end = await holdLease(
      context,
      context.streams.stdin(),
      (line) => context.out(utf8Text(line, "the answer")),
      context.say,
    );
    if (end === "closed") return exitCodes.done;
    throw new NixsealError(
      "timeout",
      end === "over" ? "its time was up" : "whoever took the lease was not heard of any more",
    );
  },
};
