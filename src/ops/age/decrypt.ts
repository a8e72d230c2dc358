import * as z from "zod";
import { at, NixsealError } from "../../core/errors.ts";
import { decrypt as decryptStream } from "../../secrets/age/decrypt.ts";
import { ScryptIdentity } from "../../secrets/age/scrypt.ts";
import { op } from "../op.ts";
import { openInput, openOutput, requireOneStdin, writeAll } from "./files.ts";
import { identityFlag, readIdentities } from "./keys.ts";

export const decrypt = op({
  effect: "write",
  input: z.object({
    identity: identityFlag,
    output: z
      .string()
      .meta({ short: "o", value: "FILE" })
      .describe("where to, with mode 0600 (default: standard output)")
      .optional(),
    decrypt: z
      .boolean()
      .default(false)
      .meta({ short: "d" })
      .describe("what it does anyway; for users of age"),
    input: z.string().describe("the file to decrypt (default: standard input)").optional(),
  }),
  positional: ["input"],
  output: z.object({ output: z.string().nullable(), bytes: z.number() }),
  examples: [
    { command: "nixseal age decrypt -i ~/.ssh/id_ed25519 -o note.txt note.age", says: "with an SSH key" },
    { command: "nixseal age decrypt -i keys.txt < etc.tar.age | tar x", says: "a stream" },
    { command: "nixseal age decrypt note.age", says: "with a passphrase" },
  ],
  run: async (context, { identity, output: outputPath, input: path }) => {
    if (context.json && (outputPath === undefined || outputPath === "-"))
      throw new NixsealError("usage", "--json and the plaintext both want standard output", {
        hint: "add -o FILE",
      });
    requireOneStdin([path, ...identity]);
    const source = await openInput(context, path, "decrypt");
    const output = await openOutput(context, outputPath, { mode: 0o600 }, [path, ...identity]);
    const identities =
      identity.length > 0
        ? await readIdentities(context, identity)
        : [new ScryptIdentity(() => context.passphrase("Passphrase: "))];
    const plaintext = decryptStream(source, identities);
    const guard = outputPath === undefined && context.streams.stdoutIsTerminal;
    try {
      const bytes = await writeAll(output, guard ? textOnly(plaintext) : plaintext);
      return { output: outputPath ?? null, bytes };
    } catch (error) {
      throw at(error, { file: path ?? "-" });
    }
  },
  text: () => "",
});

/** What is in a file that somebody else made must not steer the terminal that it is shown on. */
async function* textOnly(plaintext: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const piece of plaintext) {
    if (piece.some((byte) => byte === 0x7f || (byte < 0x20 && !/[\t\n\r]/.test(String.fromCharCode(byte)))))
      throw new NixsealError("usage", "the plaintext is binary and does not go to a terminal", {
        hint: "write a file with -o FILE; -o - forces it",
      });
    yield piece;
  }
}
