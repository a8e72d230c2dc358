import { NixsealError } from "../../core/errors.ts";
import type { Krl } from "../../ssh/krl.ts";
import { decideKrl } from "../../trust/certificates/decide.ts";
import { krlFile, readKrl } from "../../trust/certificates/revocation-list.ts";
import type { TrustRefusal } from "../../trust/refusal.ts";
import { decideChain, effectiveTime } from "../../trust/root/decide.ts";
import type { Envelope } from "../../trust/root/envelope.ts";
import type { Root } from "../../trust/root/root.ts";
import { readChain, rootFile } from "../../trust/root/store.ts";
import { latest, type Seen } from "../../trust/root/seen.ts";
import type { Context } from "../op.ts";
import { readMemory, remember, type MemoryContext } from "./memory.ts";

export type TrustContext = MemoryContext & Pick<Context, "clock">;

export interface OpenTrust {
  readonly root: Root;
  /** The current root's file. */
  readonly envelope: Envelope;
  readonly krl: Krl | null;
  /** The list's exact bytes. */
  readonly krlBytes: Uint8Array | null;
  /** The effective time that all was judged at. */
  readonly now: Date;
  /** Whether this user had never seen a root of it: nothing but the repository vouches for this one. */
  readonly first: boolean;
}

/** What a caller must not insist on, because it is there to put it right. */
export interface OpenOptions {
  /** An expired root can still be followed by a new one. */
  readonly expired?: boolean;
  /** The list may be signed by a CA that the root no longer has; `--renew` signs it anew. */
  readonly foreignKrl?: boolean;
}

/** The fleet's root and revocation list, decided on and remembered. `not-found` without a root, `refused` with the reason. */
export async function openTrust(
  context: TrustContext,
  directory: string,
  options: OpenOptions = {},
): Promise<OpenTrust> {
  const { files } = context;
  const memory = await readMemory(context, directory);
  const { formerly } = memory;
  const seen = { ...latest(memory.seen, formerly), root: memory.seen.root };
  const chain = await readChain(files, directory, seen.root?.version ?? 1);
  if (chain === null) throw noRoot(latest(seen, formerly));
  const now = effectiveTime(context.clock.now(), seen.time);
  // Judged without its end, then with it: the person who follows up an expired root needs the rest to hold.
  const end = options.expired === true ? beginning : now;
  const decision = decideChain(seen.root, chain, end);
  if (!decision.accepted) throw refusedBy(decision, rootFile);
  const further = formerly.root === null ? decision : decideChain(formerly.root, chain, end);
  if (!further.accepted) throw refusedBy(further, rootFile);
  const { root } = decision;
  const evidence = await readKrl(files, directory);
  const list = decideKrl(evidence, { root, seen: seen.krl, now });
  if (!list.accepted && !(options.foreignKrl === true && list.code === "krl-signature"))
    throw refusedBy(list, krlFile);
  const krl = list.accepted ? list.krl : null;
  const days = Math.floor((root.expires.getTime() - now.getTime()) / 86_400_000);
  if (days < expiresSoon && options.expired !== true)
    context.emit({
      type: "warning",
      message: `the root expires in ${days} day${days === 1 ? "" : "s"}, and nothing is trusted then`,
      hint: "'nixseal trust rotate' makes the next version",
    });
  await remember(context, directory, memory, {
    root,
    krl: list.accepted ? list.seen : seen.krl,
    time: krl === null ? seen.time : effectiveTime(new Date(Number(krl.generated) * 1000), seen.time),
  });
  return {
    root,
    envelope: chain.at(-1)!,
    krl,
    krlBytes: evidence?.file ?? null,
    now,
    first: memory.store !== null && seen.root === null,
  };
}

/** The same, or null in a fleet that never had a root. */
export async function openTrustIfAny(
  context: TrustContext,
  directory: string,
  options: OpenOptions = {},
): Promise<OpenTrust | null> {
  const there = (await context.files.statusOfLink(`${directory}/${rootFile}`)) !== null;
  if (!there && !(await hasSeenRoot(context, directory))) return null;
  return openTrust(context, directory, options);
}

/** Whether there was a root here before, wherever it is now. */
export async function hasSeenRoot(context: TrustContext, directory: string): Promise<boolean> {
  const { seen, formerly } = await readMemory(context, directory);
  return seen.root !== null || formerly.root !== null;
}

const beginning = new Date(0);
/** Days: time for every holder to sign. */
const expiresSoon = 30;

const hints: Partial<Record<TrustRefusal["code"], string>> = {
  "root-expired": "'nixseal trust rotate' makes the next version, with a new end",
  "root-threshold": "someone changed it, or signatures are missing: compare it with what git had",
  "root-version": "pull, or look in git who went back",
  "krl-signature": "'nixseal trust revoke --renew' signs it anew, after you have looked at what git had",
  "krl-version": "pull, or look in git who went back",
  "krl-future": "set the clock",
};

export function refusedBy({ code, reason }: TrustRefusal, file: string): NixsealError {
  return new NixsealError("refused", `${reason} [${code}]`, { hint: hints[code], where: { file } });
}

function noRoot(seen: Seen): NixsealError {
  if (seen.root !== null)
    return new NixsealError("refused", `${rootFile} is gone; version ${seen.root.version} was seen before`, {
      hint: "take it from git",
    });
  return new NixsealError("not-found", `there is no ${rootFile}`, {
    hint: "'nixseal trust init' makes one; one that waits for signatures is signed by 'nixseal trust sign'",
  });
}
