import { at, NixsealError } from "../../core/errors.ts";
import { followRoot, rootAt } from "../../trust/commits/history-root.ts";
import type { ObjectId } from "../../trust/commits/object-id.ts";
import type { ObjectReader } from "../../trust/commits/object-reader.ts";
import type { Repository } from "../../trust/commits/repository.ts";
import type { RootSource } from "../../trust/commits/verify-by-signers.ts";
import { signersAmong } from "../../trust/root/decide.ts";
import { parseEnvelope, type Envelope } from "../../trust/root/envelope.ts";
import { RootMemory } from "../../trust/root/memory.ts";
import { rootFile } from "../../trust/root/store.ts";
import type { StateDirectory } from "../../trust/state-directory.ts";
import type { Context } from "../op.ts";
import { readPinned } from "./inputs.ts";

interface Pin {
  readonly repository: Repository;
  /** As `pinnedRoot` read it; else the introduction's own. */
  readonly file: Envelope | null;
  readonly introduction: ObjectId | null;
  readonly state: StateDirectory | null;
}

/** The root of the history, followed from the one that the person pinned: by a file, or with the introduction. */
export function rootSource(
  { clock }: Pick<Context, "clock">,
  { repository, file, introduction, state }: Pin,
): RootSource {
  return async (reader, tips) => {
    const pinned = file ?? (await introduced(reader, repository, introduction));
    const memory = state === null ? null : RootMemory.from(state, pinned);
    return followRoot({ repository, reader, tips, pinned, memory, clock: clock.now() });
  };
}

/** `--root FILE`: a version of the root that the person trusts, whichever it is. */
export async function pinnedRoot(
  context: Pick<Context, "files" | "workingDirectory" | "environment">,
  file: string,
): Promise<Envelope> {
  const bytes = await readPinned(context, file);
  try {
    return requireWhole(parseEnvelope(bytes));
  } catch (error) {
    throw at(error, { file });
  }
}

async function introduced(
  reader: ObjectReader,
  repository: Repository,
  introduction: ObjectId | null,
): Promise<Envelope> {
  const found = introduction === null ? null : await rootAt(reader, repository, introduction);
  if (found !== null) return requireWhole(found);
  // The first root that comes later would be anybody's who may write files.
  throw new NixsealError(
    "refused",
    "the policy leaves certificates to the root, and the introduction has none",
    {
      hint: "pin the root with --root FILE, or a later commit as the introduction",
      where: { file: rootFile },
    },
  );
}

/** Pinned or not, one that its own keys did not sign is a mistake: a file that was cut, or drafted only. */
function requireWhole(envelope: Envelope): Envelope {
  const { root } = envelope;
  if (signersAmong(envelope, root.root.keys).size >= root.root.threshold) return envelope;
  throw new NixsealError("refused", "too few of its own keys have signed the root that is pinned");
}
