/** Who remembers the log beside itself: receipts that hosts have signed, in it and outside of it. */
import { join, resolve } from "node:path";
import { utf8, utf8Text } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import { openReceipt, receiptLimits } from "../../delivery/receipt.ts";
import { parseEntry } from "../../log/entry.ts";
import type { Witness } from "../../log/verify.ts";
import { parsePublicKeyLine } from "../../ssh/public-key-line.ts";
import type { OpenFleet } from "../fleet-context.ts";
import type { Context } from "../op.ts";
import { fleetName } from "../trust/root-flags.ts";

/** Receipts that are looked at: a host keeps a thousand. */
const mostFiles = 100_000;

/** Of one receipt; null when it names no entry, or no key of a host of the fleet has signed it. */
export function witnessOf({ fleet }: OpenFleet, receipt: string): Witness | null {
  const keysOf = (name: string) =>
    [...fleet.hosts.values()]
      .find((host) => host.name === name)
      ?.hostKeys.map(({ line }) => parsePublicKeyLine(line).key) ?? null;
  try {
    const { host, ended, log } = openReceipt(utf8(receipt), fleetName(fleet), keysOf);
    return log === null ? null : { ...log, name: `the receipt of ${host}, ${ended}` };
  } catch (error) {
    // A host that has gone, or has another key by now. Whoever could forge one gains a false alarm at most.
    if (error instanceof NixsealError && error.code !== "bug") return null;
    throw error;
  }
}

/** Of the receipt in an entry, where there is one. */
export function witnessIn(open: OpenFleet, line: string): Witness | null {
  let detail: unknown;
  try {
    ({ detail } = parseEntry(line));
  } catch (error) {
    if (error instanceof NixsealError && error.code !== "bug") return null; // verifyLog says so
    throw error;
  }
  const receipt =
    typeof detail === "object" && detail !== null && "receipt" in detail ? detail.receipt : null;
  return typeof receipt === "string" ? witnessOf(open, receipt) : null;
}

/** Of the files that were named; of a directory all receipts in it. */
export async function witnessesFrom(
  { files, workingDirectory }: Pick<Context, "files" | "workingDirectory">,
  open: OpenFleet,
  names: readonly string[],
): Promise<Witness[]> {
  const found: Witness[] = [];
  for (const name of names) {
    const path = resolve(workingDirectory, name);
    const isDirectory = (await files.status(path))?.kind === "directory";
    const listed = isDirectory
      ? (await files.list(path)).filter((entry) => entry.endsWith(".json")).map((entry) => join(path, entry))
      : [path];
    if (listed.length > mostFiles)
      throw new NixsealError("limit", `${name} has more than ${mostFiles} receipts`);
    for (const file of listed) {
      const text = utf8Text(await files.read(file, { limit: receiptLimits.file }), file);
      const witness = witnessOf(open, text);
      if (witness !== null) found.push(witness);
      else if (!isDirectory)
        throw new NixsealError(
          "refused",
          "no host of the fleet has signed this, or it names no entry of a log",
          {
            where: { file: name },
          },
        );
    }
  }
  return found;
}
