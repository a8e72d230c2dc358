import { createHash } from "node:crypto";
import { hex } from "../../core/bytes.ts";
import { orderLimits } from "../../gate/secrets/order.ts";
import { ciphertextLimit } from "../../secrets/ciphertext.ts";
import { ciphertextFile } from "../../secrets/store/stored-secret.ts";
import type { Context } from "../op.ts";
import { readingGit } from "../reading-git.ts";

/**
 * Digests of the ciphertexts that git knows of a secret, newest first, but for `now`: what is pushed comes after all of them. Empty
 * outside of git; the host adds what it has itself.
 */
export async function formerCiphertexts(
  { processes }: Pick<Context, "processes">,
  directory: string,
  name: string,
  now: string,
): Promise<string[]> {
  const git = (...args: string[]): Promise<Uint8Array | null> =>
    readingGit(processes, directory, args, ciphertextLimit);
  const many = `--max-count=${orderLimits.replaces}`;
  const log = ["log", many, "--format=", "--raw", "--no-abbrev", "--no-renames", "--no-ext-diff"];
  const lines = await git(...log, "--", ciphertextFile(name));
  if (lines === null) return [];
  // git-diff(1), "RAW OUTPUT FORMAT": `:MODE MODE BLOB BLOB STATUS\tPATH`.
  const blobs = [
    ...Buffer.from(lines)
      .toString("latin1")
      .matchAll(/^:\d+ \d+ [0-9a-f]+ ([0-9a-f]+) /gm),
  ].map(([, blob]) => blob!);
  const digests = new Set<string>();
  for (const blob of new Set(blobs)) {
    const bytes = /^0+$/.test(blob) ? null : await git("cat-file", "blob", blob);
    if (bytes !== null) digests.add(hex(createHash("sha256").update(bytes).digest()));
  }
  digests.delete(now);
  return [...digests].slice(0, orderLimits.replaces);
}
