/** Where this machine keeps the feed that it follows. */
import { resolve } from "node:path";
import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import type { Context } from "../op.ts";

export const stateFlag = z
  .string()
  .optional()
  .describe("where the feed is kept (default: NIXSEAL_ADVISORIES, else ~/.local/state/nixseal/advisories)")
  .meta({ value: "DIR" });

export const indexFlag = z
  .array(z.string())
  .default([])
  .describe("an index of advisories in place of the feed that is kept here; later ones lie over earlier ones")
  .meta({ value: "FILE" });

/** `--state`, else NIXSEAL_ADVISORIES, else the XDG directory for state. */
export function stateDirectory(
  { environment, workingDirectory }: Pick<Context, "environment" | "workingDirectory">,
  given: string | undefined,
): string {
  const named = given ?? environment.get("NIXSEAL_ADVISORIES");
  if (named !== undefined && named !== "") return resolve(workingDirectory, named);
  const state = environment.get("XDG_STATE_HOME");
  // The specification says that a relative path there is to be ignored.
  if (state?.startsWith("/") === true) return `${state}/nixseal/advisories`;
  const home = environment.get("HOME");
  if (home?.startsWith("/") !== true)
    throw new NixsealError("usage", "there is no HOME to keep advisories in", {
      hint: "name a directory with --state",
    });
  return `${home}/.local/state/nixseal/advisories`;
}
