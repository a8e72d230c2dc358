/** Downgrade: yesterday's history, however well signed, is not today's. */
import { NixsealError } from "../../core/errors.ts";
import type { Emit } from "../../core/events.ts";
import type { Revocations } from "../../ssh/revocations.ts";
import type { SshSigners } from "./decide-ssh-signer.ts";
import { isAncestor, type Accepted } from "./memory.ts";
import type { ObjectId } from "./object-id.ts";
import { refuse, type CommitRefusal } from "./refusal.ts";
import type { RefusedObject, Repository } from "./repository.ts";
import type { Commit } from "./signed-object.ts";

/** A reference, and the commit that it leads to. */
export interface NamedTip {
  readonly name: string;
  readonly commit: ObjectId;
}

/** Who may say that a reference goes back: so many distinct principals of the signers. */
export interface GoBackAuthority {
  readonly signers: SshSigners;
  readonly threshold: number;
}

/**
 * The references that went back, or aside, from what was accepted last, unless enough members said so in a signed
 * statement. `authority` is asked with the commit that is left; null where nobody can say.
 */
export async function refuseDowngrades(
  repository: Repository,
  tips: readonly NamedTip[],
  { tips: before }: Accepted,
  authority: (from: ObjectId) => Promise<GoBackAuthority | null>,
  now: Date,
  emit: Emit,
): Promise<RefusedObject[]> {
  const refused: RefusedObject[] = [];
  for (const { name, commit } of tips) {
    const from = before.get(name);
    if (from === undefined || (await isAncestor(repository, from, commit))) continue;
    const { approvers, readNote } = await import("./approvals.ts");
    const statement = { action: "go-back", from, reference: name, to: commit } as const;
    const may = await authority(from);
    const who =
      may === null ? new Set() : approvers(statement, await readNote(repository, commit), may.signers, now);
    if (may !== null && who.size >= may.threshold) {
      emit({
        type: "warning",
        message: `${name} goes back from ${from}, as ${[...who].join(", ")} approved`,
      });
      continue;
    }
    const reason = `does not descend from ${from}, which was accepted last for ${name}`;
    refused.push({ commit, ...refuse("not-descendant", reason) });
  }
  return refused;
}

/** With an older list, or with none, what was revoked since would be good again. A plain list of keys has no number. */
export function requireCurrentRevocations(revocations: Revocations | undefined, { krl }: Accepted): void {
  if (krl === null) return;
  const version = revocations?.version ?? null;
  if (version !== null && version >= krl) return;
  const given =
    version === null ? "no numbered revocation list is given" : `revocation list ${version} is given`;
  throw new NixsealError("refused", `${given}, and list ${krl} was seen before`, {
    hint: "give the newest KRL with -r",
  });
}

const day = 86_400_000;

/**
 * Only where tips are remembered, since the dates of accepted commits are the floor of time there: a commit from the
 * future would make every key expire, or the clock was set back to make an expired one good.
 */
export function refuseFuture({ committed }: Commit, now: Date): CommitRefusal | null {
  if (committed === null || committed * 1000 <= now.getTime() + day) return null;
  return refuse("not-yet-valid", "is dated more than a day in the future; look at this machine's clock");
}
