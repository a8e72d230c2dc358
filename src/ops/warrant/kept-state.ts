import { resolve } from "node:path";
import { NixsealError } from "../../core/errors.ts";
import { isChecked, parseChecked } from "../../gate/checked-file.ts";
import type { WarrantEnvelope } from "../../trust/warrant/envelope.ts";
import { warrantLimits } from "../../trust/warrant/limits.ts";
import { linkOf, type Link } from "../../trust/warrant/sequence.ts";
import {
  nothingAccepted,
  parseWarrantState,
  sequenceOf,
  stateAfter,
  type WarrantState,
} from "../../trust/warrant/state.ts";
import { keptWarrants, readKept, readWarrant } from "../../trust/warrant/store.ts";
import type { Context } from "../op.ts";

const largestState = 512 << 10;

export interface KeptState {
  readonly state: WarrantState;
  /** Those that are kept between the state and the warrant. */
  readonly between: readonly Link[];
}

/**
 * What the host is taken to have accepted: what `--state` or `--after` say, else the newest one before that is kept. Without any,
 * nothing: the warrant is judged as the first that the host sees.
 */
export async function keptState(
  context: Pick<Context, "files" | "workingDirectory">,
  directory: string,
  { warrant }: WarrantEnvelope,
  { state: stateFile, after }: { readonly state?: string | undefined; readonly after?: string | undefined },
): Promise<KeptState> {
  const { files, workingDirectory } = context;
  if (stateFile !== undefined && after !== undefined)
    throw new NixsealError("usage", "--state and --after exclude each other");
  const kept = (await keptWarrants(files, directory, warrant.subject)).filter((seq) => seq < warrant.seq);
  let state = nothingAccepted;
  if (stateFile !== undefined) {
    const bytes = await files.read(resolve(workingDirectory, stateFile), { limit: largestState });
    // As the gate keeps it, or its first part alone, as it is made by hand.
    state = parseWarrantState(isChecked(bytes) ? parseChecked(bytes) : bytes);
  } else if (after !== undefined) {
    const former = await readWarrant(files, resolve(workingDirectory, after), after);
    state = stateAfter(nothingAccepted, former.warrant, former.digest);
  } else {
    const seq = kept.at(-1);
    const former = seq === undefined ? null : await readKept(files, directory, warrant.subject, seq);
    if (former !== null) state = stateAfter(nothingAccepted, former.warrant, former.digest);
  }
  const head = state.heads.get(sequenceOf(warrant.subject));
  const missed = head === undefined ? [] : kept.filter((seq) => seq > head.seq);
  if (missed.length > warrantLimits.between)
    throw new NixsealError("limit", `more than ${warrantLimits.between} warrants lie between`);
  const between: Link[] = [];
  for (const seq of missed) between.push(linkOf(await readKept(files, directory, warrant.subject, seq)));
  return { state, between };
}
