import { NixsealError } from "../../core/errors.ts";
import { policyBallot, type Ballot } from "../../trust/commits/ballot.ts";
import { peel, withObjects } from "../../trust/commits/history.ts";
import type { ObjectId } from "../../trust/commits/object-id.ts";
import { PolicyReader } from "../../trust/commits/policy-reader.ts";
import { resolveRange, type Range } from "../../trust/commits/range.ts";
import type { Repository } from "../../trust/commits/repository.ts";
import { StateDirectory } from "../../trust/state-directory.ts";
import { AskedRoot } from "../../trust/commits/asked-root.ts";
import { goBackAuthority } from "../../trust/commits/go-back-authority.ts";
import type { Context } from "../op.ts";
import { askedIntroduction, parseSigners, pinnedIntroduction, signerSource } from "./inputs.ts";
import { pinnedRoot, rootSource } from "./root-source.ts";

export interface BallotInput {
  readonly commit: string;
  readonly introduction?: string | undefined;
  readonly goBackFrom?: string | undefined;
  readonly signers?: string | undefined;
  readonly root?: string | undefined;
}

/** What is to be approved, by the words of the command line: names are resolved once, and only ids are signed. */
export async function openBallot(
  context: Context,
  repository: Repository,
  input: BallotInput,
): Promise<Ballot> {
  const introduction = pinnedIntroduction(askedIntroduction(context, input), repository);
  const file = input.root === undefined ? null : await pinnedRoot(context, input.root);
  const state = await StateDirectory.open(context.files, context.environment);
  const root = rootSource(context, { repository, file, introduction, state });
  const range = await oneRevision(repository, input.commit);
  const commit = await commitOf(repository, range);
  if (input.goBackFrom !== undefined) {
    const [reference] = range.references;
    if (reference === undefined)
      throw new NixsealError("usage", `'${input.commit}' is no name of a branch or a tag`, {
        hint: "a going back is approved for one name: write the branch",
      });
    const from = await commitOf(repository, await oneRevision(repository, input.goBackFrom));
    const authority =
      introduction === null
        ? {
            signers: await parseSigners((await signerSource(context, input.signers, false))!, undefined),
            threshold: 1,
          }
        : await goBackAuthority({ repository, range, revocations: undefined, root }, from);
    if (authority === null)
      throw new NixsealError("refused", `there is no policy in ${from}, which says who may`);
    const statement = { action: "go-back", from, reference: reference.name, to: commit } as const;
    const says = [`${reference.name} goes back`, `- ${from}`, `+ ${commit}`];
    return { statement, commit, authorities: [authority], author: null, says };
  }
  if (introduction === null)
    throw new NixsealError("usage", "an approval names the history that it is for", {
      hint: "--introduction COMMIT, as for commits verify",
    });
  return withObjects(repository, (reader) => {
    const asked = new AskedRoot(() => root(reader, [commit]));
    const policies = new PolicyReader(reader, repository.format, undefined, () => asked.ask());
    const now = context.clock.now();
    return policyBallot(repository, reader, policies, { id: commit, introduction, now });
  });
}

async function oneRevision(repository: Repository, revision: string): Promise<Range> {
  const range = await resolveRange(repository, [revision]);
  if (range.tips.length === 1 && range.excluded.length === 0) return range;
  throw new NixsealError("usage", `'${revision.slice(0, 200)}' is not one commit`);
}

function commitOf(repository: Repository, { tips: [tip] }: Range): Promise<ObjectId> {
  return withObjects(repository, async (reader) => {
    const peeled = await peel(reader, repository, tip!);
    if (!("refused" in peeled)) return peeled.commit;
    throw new NixsealError("refused", `${tip!} ${peeled.refused.reason}`);
  });
}
