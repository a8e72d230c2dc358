import { join, resolve } from "node:path";
import type { Closure } from "../../trust/warrant/closure.ts";
import {
  draftWarrant,
  formerOf,
  formerOfFormer,
  type Former,
  type Order,
} from "../../trust/warrant/draft.ts";
import { formatWarrantEnvelope, type WarrantEnvelope } from "../../trust/warrant/envelope.ts";
import type { Subject } from "../../trust/warrant/model.ts";
import { newestWarrant, readWarrant, warrantFile } from "../../trust/warrant/store.ts";
import { encodeWarrant, payloadDigest } from "../../trust/warrant/warrant.ts";
import type { Context } from "../op.ts";

export interface Draft {
  readonly envelope: WarrantEnvelope;
  /** As it was named, or below the fleet's directory. */
  readonly file: string;
  /** Absolute. */
  readonly path: string;
  /** Whether it took the place of one that nobody had signed. */
  readonly replaced: boolean;
}

/** Writes the next warrant of the order's subject, unsigned. `seconds`: how long it holds. */
export async function draftInto(
  context: Pick<Context, "files" | "workingDirectory" | "clock">,
  directory: string,
  order: Omit<Order, "now" | "lifetime">,
  closure: Closure,
  {
    seconds,
    after,
    out,
  }: { readonly seconds: number; readonly after?: string | undefined; readonly out?: string | undefined },
): Promise<Draft> {
  const { former, replaced } = await place(context, directory, order.subject, after);
  const warrant = draftWarrant({ ...order, now: context.clock.now(), lifetime: seconds }, closure, former);
  const payload = encodeWarrant(warrant);
  const envelope = { payload, warrant, digest: payloadDigest(payload), signatures: [] };
  const file = out ?? warrantFile(order.subject, warrant.seq);
  const path = await write(context, directory, out, file, formatWarrantEnvelope(envelope));
  return { envelope, file, path, replaced };
}

/** What it follows. A draft that nobody has signed was never an order: it gives up its place. */
async function place(
  { files, workingDirectory }: Pick<Context, "files" | "workingDirectory">,
  directory: string,
  subject: Subject,
  after: string | undefined,
): Promise<{ former: Former | null; replaced: boolean }> {
  if (after !== undefined)
    return {
      former: formerOf(await readWarrant(files, resolve(workingDirectory, after), after)),
      replaced: false,
    };
  const newest = await newestWarrant(files, directory, subject);
  if (newest === null) return { former: null, replaced: false };
  const replaced = newest.signatures.length === 0;
  return { former: replaced ? formerOfFormer(newest) : formerOf(newest), replaced };
}

async function write(
  { files, workingDirectory }: Pick<Context, "files" | "workingDirectory">,
  directory: string,
  out: string | undefined,
  file: string,
  bytes: Uint8Array,
): Promise<string> {
  const path = out === undefined ? join(directory, file) : resolve(workingDirectory, out);
  if (out === undefined) await files.makeDirectory(join(path, ".."), { mode: 0o755, parents: true });
  await files.writeAtomic(path, bytes, { mode: 0o644 });
  return path;
}
