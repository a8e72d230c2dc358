import * as z from "zod";
import { largestSource, parseNix } from "../../audit/nix-language/parser.ts";
import { concat } from "../../core/bytes.ts";
import { at, NixsealError } from "../../core/errors.ts";
import { exitCodes } from "../../core/exit.ts";
import { op, type Context } from "../op.ts";

const failure = z.object({
  file: z.string(),
  line: z.int().nullable(),
  column: z.int().nullable(),
  offset: z.int().nullable().describe("bytes from the beginning of the file"),
  code: z.string(),
  message: z.string(),
  hint: z.string().nullable(),
});

type Failure = z.infer<typeof failure>;

export const parse = op({
  effect: "read",
  input: z.object({
    file: z.array(z.string()).min(1).meta({ value: "FILE" }).describe("Nix source; - is stdin"),
  }),
  positional: ["file"],
  output: z.object({ files: z.int().describe("how many were read"), failures: z.array(failure) }),
  examples: [
    { command: "nixseal nix parse flake.nix hosts/*.nix", says: "syntax only: nothing is evaluated" },
    {
      command: "git ls-files -z '*.nix' | xargs -0 nixseal nix parse --",
      says: "every file of a repository",
    },
  ],
  run: async (context, { file: files }) => {
    const failures: Failure[] = [];
    for (const file of files) {
      try {
        parseNix(await sourceOf(context, file));
      } catch (error) {
        failures.push(failureOf(at(error, { file })));
      }
    }
    return { files: files.length, failures };
  },
  text: () => "",
  complaints: ({ failures }) => failures.map(lineOf),
  exit: ({ failures }) => (failures.length === 0 ? exitCodes.done : exitCodes.usage),
});

async function sourceOf(context: Pick<Context, "files" | "streams">, file: string): Promise<Uint8Array> {
  if (file !== "-") return context.files.read(file, { limit: largestSource });
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of context.streams.stdin()) {
    size += piece.length;
    if (size > largestSource) throw new NixsealError("limit", `more than ${largestSource} bytes on stdin`);
    pieces.push(piece);
  }
  return concat(...pieces);
}

/** A file that can't be read or parsed does not keep the others from being looked at; anything else is a bug. */
function failureOf(error: unknown): Failure {
  if (!(error instanceof NixsealError)) throw error;
  const { file, line, column, offset } = error.where ?? {};
  return {
    file: file ?? "-",
    line: line ?? null,
    column: column ?? null,
    offset: offset ?? null,
    code: error.code,
    message: error.message,
    hint: error.hint ?? null,
  };
}

/** As compilers write it, so that editors find the place. */
function lineOf({ file, line, column, message, hint }: Failure): string {
  const place = [file, line, column].filter((part) => part !== null).join(":");
  return hint === null ? `${place}: ${message}` : `${place}: ${message} (${hint})`;
}
