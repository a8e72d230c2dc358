import { createHash } from "node:crypto";
import type { Json } from "../../core/canonical-json.ts";
import { NixsealError } from "../../core/errors.ts";
import {
  refuseDowngrades,
  requireCurrentRevocations,
  type GoBackAuthority,
} from "../../trust/commits/descent.ts";
import type { HistoryRoot } from "../../trust/commits/history-root.ts";
import { Frontier } from "../../trust/commits/frontier.ts";
import { Memory } from "../../trust/commits/memory.ts";
import type { ObjectId } from "../../trust/commits/object-id.ts";
import type { Range } from "../../trust/commits/range.ts";
import type { Repository } from "../../trust/commits/repository.ts";
import type { Signers } from "../../trust/commits/signers.ts";
import {
  verifyBySigners,
  type FrontierSource,
  type Report,
  type RootSource,
} from "../../trust/commits/verify-by-signers.ts";
import { StateDirectory } from "../../trust/state-directory.ts";
import type { Context } from "../op.ts";
import {
  askedIntroduction,
  parseSigners,
  pinnedIntroduction,
  readRevocationFile,
  signerSource,
} from "./inputs.ts";

export interface Input {
  /** As for git rev-list; none is HEAD. */
  readonly range: readonly string[];
  readonly signers?: string | undefined;
  readonly revocations?: string | undefined;
  readonly introduction?: string | undefined;
  readonly root?: string | undefined;
  readonly remember: boolean;
  readonly fresh: boolean;
}

export interface Judged {
  readonly report: Report;
  /** For when nothing was refused. */
  readonly remember: () => Promise<void>;
}

/** A range judged as the flags say, with all that is remembered. */
export async function judge(
  context: Context,
  input: Input,
  opening: Promise<{ readonly repository: Repository; readonly range: Range }>,
): Promise<Judged> {
  const asked = askedIntroduction(context, input);
  const source = asked === null ? await signerSource(context, input.signers, input.root !== undefined) : null;
  const krl =
    input.revocations === undefined ? undefined : await readRevocationFile(context, input.revocations);
  const revocations = krl?.revocations;
  const state = await StateDirectory.open(context.files, context.environment);
  const { repository, range } = await opening;
  const introduction = pinnedIntroduction(asked, repository);
  const history = introduction ?? repository.commonDirectory;
  const memory = openMemory(state, input, history, introduction !== null, context.emit);
  const before = (await memory?.read()) ?? { tips: new Map(), time: 0, krl: null };
  requireCurrentRevocations(revocations, before);
  // A clock that was set back does not bring expired keys back.
  const now = new Date(Math.max(context.clock.now().getTime(), before.time));
  const roots = () => import("./root-source.ts");
  const file = input.root === undefined ? null : await (await roots()).pinnedRoot(context, input.root);
  const root: RootSource = async (reader, tips) =>
    (await roots()).rootSource(context, { repository, file, introduction, state })(reader, tips);
  const pinned = file === null ? {} : { root: digest(file.payload) };
  const frontier =
    (basis: Readonly<Record<string, Json>>): FrontierSource =>
    (listed) => {
      const lists = {
        krl: digest(krl?.content),
        ...(listed === null ? {} : { listed }),
      };
      return Frontier.open(input.fresh ? null : state, { ...basis, ...pinned, ...lists }, context.emit);
    };

  let report: Report;
  let authority: (from: ObjectId) => Promise<GoBackAuthority | null>;
  if (introduction === null) {
    const known = frontier({ signers: digest(source?.content) });
    let found: HistoryRoot | null = null;
    const own: RootSource | null = file === null ? null : async (...asked) => (found = await root(...asked));
    const signers = async (members: HistoryRoot | null): Promise<Signers> => {
      const { nobody, withMembersOf } = await import("../../trust/commits/signers.ts");
      const listed = source === null ? { ...nobody, revocations } : await parseSigners(source, revocations);
      return members === null ? listed : withMembersOf(members, listed);
    };
    const question = { repository, range, signers, root: own, now, known, remembers: memory !== null };
    report = await verifyBySigners(question, context.files, context.emit);
    authority = async () => ({ signers: await signers(found), threshold: 1 });
  } else {
    const { verifyByPolicy } = await import("../../trust/commits/verify-by-policy.ts");
    const { goBackAuthority } = await import("../../trust/commits/go-back-authority.ts");
    const known = frontier({ introduction });
    const question = { repository, range, introduction, revocations, root, now, known };
    report = await verifyByPolicy(question, context.files, context.emit);
    authority = (from) => goBackAuthority(question, from);
  }
  const back = await refuseDowngrades(repository, report.tips, before, authority, now, context.emit);
  return {
    report: { ...report, refused: [...report.refused, ...back] },
    remember: async () => {
      const tips = new Map(report.tips.map(({ name, commit }) => [name, commit]));
      const time = Math.max(now.getTime(), report.latest);
      await memory?.remember({ tips, time, krl: revocations?.version ?? null });
    },
  };
}

function openMemory(
  state: StateDirectory | null,
  { remember }: Input,
  history: string,
  always: boolean,
  emit: Context["emit"],
): Memory | null {
  if (!remember && !always) return null;
  if (state !== null) return new Memory(state, history);
  // A service without a home: not a refusal, since what it is given may always be a fresh clone. But never silent.
  if (!remember) {
    emit({
      type: "warning",
      message: "there is no place to remember accepted commits in, so an older history would not be noticed",
      hint: "set HOME or XDG_STATE_HOME",
    });
    return null;
  }
  throw new NixsealError("refused", "there is no place to remember accepted commits in", {
    hint: "set HOME or XDG_STATE_HOME",
  });
}

function digest(bytes: Uint8Array | undefined): string | null {
  return bytes === undefined ? null : createHash("sha256").update(bytes).digest("hex");
}
