/** A version of the root on its way: signed here, passed on while signatures are missing, put in place when they are there. */
import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import type { Fingerprint } from "../../ssh/public-key.ts";
import { decideFirstRoot, decideNextRoot, signersAmong } from "../../trust/root/decide.ts";
import { rootNamespace, type Envelope } from "../../trust/root/envelope.ts";
import { describeChange } from "../../trust/root/change.ts";
import { encodeRoot, type Root } from "../../trust/root/root.ts";
import { signWithKeygen } from "../../trust/root/sign.ts";
import {
  discardNext,
  isLeftover,
  nextRootFile,
  promote,
  readNext,
  rootFile,
  writeNext,
} from "../../trust/root/store.ts";
import type { Context, Paint } from "../op.ts";
import type { KeyFile } from "./key-file.ts";
import { openTrust, refusedBy } from "./open.ts";

export const progressSchema = z.object({
  version: z.number(),
  complete: z.boolean().describe("whether it is the root now"),
  file: z.string(),
  signedWith: z.string(),
  needs: z
    .array(z.object({ whose: z.string(), signed: z.number(), threshold: z.number() }))
    .describe("signatures by the keys of the version before and of this one"),
  changes: z.array(z.string()),
});

export type Progress = z.output<typeof progressSchema>;

/** Nothing signed yet. */
export function unsigned(root: Root): Envelope {
  return { payload: encodeRoot(root), root, signatures: [] };
}

/** What waits for signatures, and has not become the root already. */
export async function waiting(
  { files }: Pick<Context, "files">,
  directory: string,
  current: Envelope | null,
): Promise<Envelope | null> {
  const next = await readNext(files, directory);
  if (next === null || !isLeftover(current, next)) return next;
  await discardNext(files, directory);
  return null;
}

/** `conflict` while another version waits: two could not both follow the current one. */
export async function requireNothingWaiting(
  context: Pick<Context, "files">,
  directory: string,
  current: Envelope | null,
): Promise<void> {
  const next = await waiting(context, directory, current);
  if (next === null) return;
  throw new NixsealError("conflict", `version ${next.root.version} of the root waits for signatures`, {
    hint: "'nixseal trust sign' signs it; 'nixseal trust sign --discard' drops it",
    where: { file: nextRootFile },
  });
}

/** Adds a signature and puts the version where it belongs by then. */
export async function signAndSettle(
  context: Context,
  directory: string,
  current: Envelope | null,
  next: Envelope,
  key: KeyFile,
): Promise<Progress> {
  const { files } = context;
  const signature = await signWithKeygen(context, next.payload, rootNamespace, key.file);
  const signer = signature.signer;
  if (signer.type === "certificate" || signer.fingerprint !== key.key.fingerprint)
    throw new NixsealError("refused", "ssh-keygen signed with another key", {
      hint: `name the file of ${key.key.fingerprint} itself: --key FILE`,
    });
  const signed: Envelope = { ...next, signatures: [...next.signatures, signature] };
  const decision = current === null ? decideFirstRoot(signed) : decideNextRoot(current.root, signed);
  // Anything but missing signatures would still be wrong with all of them.
  if (!decision.accepted && decision.code !== "root-threshold") throw refusedBy(decision, nextRootFile);
  if (decision.accepted) {
    await promote(files, directory, current, signed);
    await openTrust(context, directory, { foreignKrl: true }); // whoever made it must not be led back behind it
  } else await writeNext(files, directory, signed);
  return {
    version: signed.root.version,
    complete: decision.accepted,
    file: decision.accepted ? rootFile : nextRootFile,
    signedWith: key.key.fingerprint,
    needs: needsOf(current, signed),
    changes: describeChange(current?.root ?? null, signed.root),
  };
}

/** How far the signatures are, for every set of keys that must sign. */
export function needsOf(current: Envelope | null, next: Envelope): Progress["needs"] {
  const sets = [...(current === null ? [] : [current.root]), next.root];
  return sets.map((root) => ({
    whose: `version ${root.version}`,
    signed: signersAmong(next, root.root.keys).size,
    threshold: root.root.threshold,
  }));
}

/** Whether this key has signed it already. */
export function hasSigned(next: Envelope, fingerprint: Fingerprint): boolean {
  return signersAmong(
    next,
    next.signatures.flatMap(({ signer }) => (signer.type === "certificate" ? [] : [signer])),
  ).has(fingerprint);
}

export function progressText(
  { version, complete, file, signedWith, needs, changes }: Progress,
  paint: Paint,
): string {
  const state = complete
    ? `${paint.good("signed")} by enough keys: version ${version} is the root now (${file})`
    : `version ${version} waits in ${file}: ${needs.map(({ whose, signed, threshold }) => `${signed} of ${threshold} signatures by keys of ${whose}`).join(", ")}`;
  const next = complete
    ? "Next: commit trust/"
    : "Next: commit it and let the other holders run 'nixseal trust sign'";
  return `${changes.join("\n")}\n\n${state}\nsigned with ${signedWith}\n\n${next}`;
}
