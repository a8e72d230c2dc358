import { resolve } from "node:path";
import { NixsealError } from "../../core/errors.ts";
import type { Closure } from "../../trust/warrant/closure.ts";
import { closureOfWarrant } from "../../trust/warrant/draft.ts";
import type { Source } from "../../trust/warrant/model.ts";
import { readWarrant } from "../../trust/warrant/store.ts";
import type { Context } from "../op.ts";
import { findClosure, type WhereItIs } from "./find-closure.ts";
import { gitSource } from "./git-source.ts";

interface Wanted extends Omit<WhereItIs, "toplevel"> {
  readonly toplevel?: string | undefined;
  readonly rollbackTo?: string | undefined;
}

export interface Content {
  readonly closure: Closure;
  readonly source: Source | null;
}

/** What was built, or what was ordered before. */
export async function contentOf(
  context: Context,
  directory: string,
  fleet: string,
  given: Wanted,
): Promise<Content> {
  const { toplevel, rollbackTo } = given;
  if (rollbackTo !== undefined) {
    if ((toplevel ?? given.store ?? given.cache) !== undefined)
      throw new NixsealError("usage", "--rollback-to says already what is ordered", {
        hint: "leave out --toplevel, --store and --cache",
      });
    const path = resolve(context.workingDirectory, rollbackTo);
    const { warrant } = await readWarrant(context.files, path, rollbackTo);
    if (warrant.fleet !== fleet)
      throw new NixsealError("refused", `it is a warrant of the fleet '${warrant.fleet}'`, {
        where: { file: rollbackTo },
      });
    return { closure: closureOfWarrant(warrant), source: warrant.source };
  }
  if (toplevel === undefined)
    throw new NixsealError("usage", "--toplevel is missing", { hint: "or --rollback-to a former warrant" });
  return {
    closure: await findClosure(context, directory, { ...given, toplevel }),
    source: await gitSource(context, directory, fleet),
  };
}
