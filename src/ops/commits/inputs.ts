/** Who may sign, from where the person said, and nowhere else. */
import { resolve } from "node:path";
import { utf8Text } from "../../core/bytes.ts";
import { NixsealError, at } from "../../core/errors.ts";
import type { Revocations } from "../../ssh/revocations.ts";
import { isObjectId, type ObjectId } from "../../trust/commits/object-id.ts";
import type { Repository } from "../../trust/commits/repository.ts";
import type { Signers } from "../../trust/commits/signers.ts";
import type { Context } from "../op.ts";

type Reader = Pick<Context, "files" | "environment" | "workingDirectory">;

export interface SignerSource {
  /** What decides, byte for byte: caches of decisions are kept by it. */
  readonly content: Uint8Array;
  /** For messages. */
  readonly name: string;
}

const variable = "TRUSTED_SIGNERS";
const introductionVariable = "NIXSEAL_INTRODUCTION";
const largest = 16 << 20;

/** `--signers`, else the environment. Without either nothing can be accepted (`refused`), unless there are others who may. */
export async function signerSource(
  context: Reader,
  file: string | undefined,
  others: boolean,
): Promise<SignerSource | null> {
  if (file !== undefined) return { content: await readPinned(context, file), name: file };
  const text = context.environment.get(variable);
  if (text !== undefined) return { content: Buffer.from(text), name: variable };
  if (others) return null;
  throw new NixsealError("refused", "nobody is trusted to sign: there is no list of signers", {
    hint: `give --signers FILE, put its content into ${variable}, pin a policy with --introduction COMMIT or a root with --root FILE`,
  });
}

export async function parseSigners(
  { content, name }: SignerSource,
  revocations: Revocations | undefined,
): Promise<Signers> {
  const { readSigners } = await import("../../trust/commits/signers.ts");
  try {
    return await readSigners(utf8Text(content, "list of signers"), revocations);
  } catch (error) {
    throw at(error, { file: name });
  }
}

export async function readRevocationFile(
  context: Reader,
  file: string,
): Promise<{ content: Uint8Array; revocations: Revocations }> {
  const content = await readPinned(context, file);
  const { parseRevocations } = await import("../../ssh/revocation-file.ts");
  try {
    return { content, revocations: parseRevocations(content) };
  } catch (error) {
    throw at(error, { file });
  }
}

/** A file that is not there is no reason to look elsewhere, or to do without. */
export async function readPinned(context: Reader, file: string): Promise<Uint8Array> {
  try {
    return await context.files.read(resolve(context.workingDirectory, file), { limit: largest });
  } catch (cause) {
    if (!(cause instanceof NixsealError) || cause.code !== "not-found") throw cause;
    throw new NixsealError("refused", "there is no such file, and without it no commit can be accepted", {
      where: { file },
      cause,
    });
  }
}

/** `--introduction`, else the environment, unless there is a list of signers; null without one. */
export function askedIntroduction(
  context: Pick<Context, "environment">,
  input: { readonly introduction?: string | undefined; readonly signers?: string | undefined },
): string | null {
  if (input.introduction !== undefined && input.signers !== undefined) {
    throw new NixsealError("usage", "--signers and --introduction are two ways to say who may sign", {
      hint: "give one of them",
    });
  }
  if (input.signers !== undefined) return null;
  return input.introduction ?? context.environment.get(introductionVariable) ?? null;
}

/** A whole id: a branch, a tag or a short id means whatever the repository says that it means. */
export function pinnedIntroduction(text: string | null, { format }: Repository): ObjectId | null {
  if (text === null) return null;
  if (isObjectId(text, format)) return text;
  throw new NixsealError("usage", `the introduction '${text.slice(0, 80)}' is not a whole commit id`, {
    hint: "git rev-parse COMMIT prints it",
  });
}
