import { basename, join, resolve } from "node:path";
import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import { exitCodes } from "../../core/exit.ts";
import type { Files } from "../../core/file-ports.ts";
import { receiptLimits } from "../../delivery/receipt.ts";
import { openFleet } from "../fleet-context.ts";
import { op } from "../op.ts";
import { table } from "../table.ts";
import { receiptTaker } from "../take-receipts.ts";

/** A host hands in what it has not handed in yet: a fleet's receipts of months. */
const mostFiles = 100_000;
/** PLACE/receipts/HOST/FILE */
const deepest = 2;

export const deployReceipts = op({
  effect: "write",
  input: z.object({
    places: z
      .array(z.string())
      .default([])
      .describe("receipts, or directories that have them: a delivery, a stick, what a server was sent"),
  }),
  positional: ["places"],
  output: z.object({
    receipts: z.array(
      z.object({
        file: z.string(),
        host: z.string(),
        seq: z.number().nullable(),
        warrant: z.string().nullable(),
        outcome: z.string(),
        reason: z.string().nullable(),
        toplevel: z.string(),
        running: z.string().nullable(),
        ended: z.string(),
        logged: z.number().describe("the log's entry that holds it"),
        isNew: z.boolean(),
      }),
    ),
    refused: z.array(z.object({ file: z.string(), code: z.string(), reason: z.string() })),
  }),
  examples: [
    {
      command: "nixseal deploy receipts /srv/deliveries",
      says: "what pulling hosts have signed: verified, into the log and receipts/",
    },
  ],
  run: async (context, { places }) => {
    if (places.length === 0)
      throw new NixsealError("usage", "which receipts?", { hint: "name files, or directories with them" });
    const open = await openFleet(context);
    const taker = await receiptTaker(context, open);
    const receipts = [];
    const refused = [];
    const leaveOut = (file: string, error: unknown): void => {
      // Anybody may have put it there, and taken it away or closed it since: it holds up no other. A bug is no matter of one file.
      if (!(error instanceof NixsealError) || error.code === "bug") throw error;
      refused.push({ file, code: error.code, reason: error.message });
    };
    for (const place of places)
      for (const file of await filesBelow(
        context.files,
        resolve(context.workingDirectory, place),
        leaveOut,
      )) {
        let bytes: Uint8Array;
        try {
          bytes = await context.files.read(file, { limit: receiptLimits.file, follow: false });
        } catch (error) {
          leaveOut(file, error);
          continue;
        }
        try {
          receipts.push({ file, ...(await taker.take(bytes)) });
        } catch (error) {
          // What is wrong with our own log or directory is no matter of one file.
          if (!(error instanceof NixsealError) || !["refused", "malformed", "limit"].includes(error.code))
            throw error;
          refused.push({ file, code: error.code, reason: error.message });
        }
      }
    return { receipts, refused };
  },
  text: ({ receipts, refused }, paint) =>
    [
      table(
        ["HOST", "ORDER", "OUTCOME", "ENDED", ""],
        receipts.map(({ host, seq, outcome, ended, isNew }) => [
          host,
          seq === null ? "console" : String(seq),
          outcome,
          ended,
          isNew ? "new" : "as before",
        ]),
        paint,
      ),
      ...refused.map(({ file, reason }) => `${paint.bad("refused")}  ${basename(file)}: ${reason}`),
    ].join("\n"),
  exit: ({ refused }) => (refused.length === 0 ? exitCodes.done : exitCodes.partial),
});

/** The file itself; of a directory what ends as receipts do, of a delivery only what lies in `receipts/`. Through no symlink. */
export async function filesBelow(
  files: Pick<Files, "list" | "statusOfLink">,
  place: string,
  leaveOut: (path: string, error: unknown) => void,
): Promise<string[]> {
  const status = await files.statusOfLink(place);
  if (status === null) throw new NixsealError("not-found", "there is nothing", { where: { file: place } });
  if (status.kind !== "directory") return [place];
  const inside = join(place, "receipts");
  const top = (await files.statusOfLink(inside))?.kind === "directory" ? inside : place;
  const found: string[] = [];
  const walk = async (directory: string, depth: number): Promise<void> => {
    let names: string[] = [];
    try {
      names = await files.list(directory);
    } catch (error) {
      if (directory === top) throw error;
      leaveOut(directory, error);
    }
    for (const name of names) {
      const path = join(directory, name);
      const kind = (await files.statusOfLink(path))?.kind;
      // What hosts and their names look like: a name from elsewhere could say anything on a terminal.
      if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(name)) continue;
      if (kind === "directory" && depth < deepest) await walk(path, depth + 1);
      if (kind === "file" && name.endsWith(".json")) found.push(path);
      if (found.length > mostFiles)
        throw new NixsealError("limit", `more than ${mostFiles} receipts`, { where: { file: place } });
    }
  };
  await walk(top, 0);
  return found;
}
