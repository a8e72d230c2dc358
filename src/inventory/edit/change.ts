import { NixsealError } from "../../core/errors.ts";
import { inspectSources, problemsError } from "../load.ts";
import type { Fleet, Host, Member } from "../model.ts";
import { oneHost, oneMember } from "../selectors.ts";
import { fleetFileName, type Source } from "../sources.ts";
import { addEntry, type EntryFields } from "./add-entry.ts";
import { checkMeaning } from "./meaning.ts";
import { planEdit, type EditPlan } from "./plan.ts";
import { removeReferences, renameReferences } from "./references.ts";
import { removeEntry } from "./remove-entry.ts";
import { renameEntry } from "./rename-entry.ts";

export type Kind = "host" | "member";

/** Adds a host or member to fleet.toml. `conflict` when the name is taken. */
export async function planAdd(
  sources: readonly Source[],
  kind: Kind,
  name: string,
  fields: EntryFields,
): Promise<EditPlan> {
  for (const { file, value } of sources) {
    const table = value[`${kind}s`];
    if (typeof table === "object" && table !== null && Object.hasOwn(table, name))
      throw new NixsealError("conflict", `the ${kind} '${name}' is in ${file} already`, {
        hint: `'nixseal ${kind} show ${name}' shows it; edit ${file} to change it`,
      });
  }
  return planEdit(
    sources,
    ({ file }) => file === fleetFileName,
    ({ text }, tree) => addEntry(text, tree, `${kind}s`, name, fields),
  );
}

/** Removes a host or member wherever it lies, and its name from the selectors of secrets. */
export async function planRemove(sources: readonly Source[], kind: Kind, name: string): Promise<EditPlan> {
  const before = await soundFleet(sources);
  oneOf(before, kind, name);
  const plan = await planEdit(
    sources,
    ({ text }) => text.includes(name),
    ({ text }, tree) => [
      ...removeEntry(text, tree, `${kind}s`, name),
      ...removeReferences(text, tree, selectorKey(kind), name),
    ],
  );
  requireGone(plan, kind, name);
  checkMeaning(before, plan.fleet!, kind, name, null);
  return plan;
}

/** Gives a host or member another name, in the selectors of secrets too. `conflict` when the new one is taken. */
export async function planRename(
  sources: readonly Source[],
  kind: Kind,
  from: string,
  to: string,
): Promise<EditPlan> {
  const before = await soundFleet(sources);
  const { file } = oneOf(before, kind, from);
  const taken = (before[`${kind}s`] as ReadonlyMap<string, { file: string }>).get(to);
  if (taken !== undefined)
    throw new NixsealError("conflict", `the ${kind} '${to}' is in ${taken.file} already`);
  const plan = await planEdit(
    sources,
    ({ text }) => text.includes(from),
    (source, tree) => [
      ...(source.file === file ? renameEntry(tree, `${kind}s`, from, to) : []),
      ...renameReferences(tree, selectorKey(kind), from, to),
    ],
  );
  requireGone(plan, kind, from);
  checkMeaning(before, plan.fleet!, kind, from, to);
  return plan;
}

function selectorKey(kind: Kind): "hosts" | "readers" {
  return kind === "host" ? "hosts" : "readers";
}

async function soundFleet(sources: readonly Source[]): Promise<Fleet> {
  const { fleet, problems } = await inspectSources(sources);
  if (fleet === null) throw problemsError(problems);
  return fleet;
}

/** TOML has more ways to spell a key than are edited here (`"\u0061"`). */
function requireGone(plan: EditPlan, kind: Kind, name: string): void {
  const entries: ReadonlyMap<string, unknown> = plan.fleet![`${kind}s`];
  if (!entries.has(name)) return;
  throw new NixsealError("config", `the entry of '${name}' is written in a way that cannot be edited`, {
    hint: "edit the file by hand",
  });
}

function oneOf(fleet: Fleet, kind: Kind, name: string): Host | Member {
  return kind === "host" ? oneHost(fleet, name) : oneMember(fleet, name);
}
