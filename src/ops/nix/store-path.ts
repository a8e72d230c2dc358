import * as z from "zod";
import { utf8Text } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import { contentAddressedPath, parseContentAddress } from "../../nix/content-address.ts";
import { defaultStoreDirectory, isStoreDirectory, parseStorePath } from "../../nix/store-path.ts";
import { op } from "../op.ts";
import { inputBytes } from "./input.ts";

const request = z.strictObject({
  name: z.string(),
  contentAddress: z.string(),
  references: z.array(z.string()).default([]),
  self: z.boolean().default(false),
});

export const storePath = op({
  effect: "read",
  input: z.object({
    storeDir: z
      .string()
      .default(defaultStoreDirectory)
      .describe("the store that the path lies in")
      .meta({ value: "DIR" }),
  }),
  output: z.object({ path: z.string() }),
  examples: [
    {
      command: `echo '{"name":"x","contentAddress":"text:sha256:…","references":[],"self":false}' | nixseal nix store-path --json`,
      says: "the only path that this content may have",
    },
  ],
  run: async (context, { storeDir }) => {
    if (!isStoreDirectory(storeDir))
      throw new NixsealError("usage", `'${storeDir}' is not a store directory`);
    const { name, contentAddress, references, self } = parseRequest(await inputBytes(context, "-"));
    const others = references.map((reference) => parseStorePath(reference, storeDir));
    const path = contentAddressedPath(name, parseContentAddress(contentAddress), { others, self }, storeDir);
    return { path };
  },
  text: ({ path }) => path,
});

function parseRequest(bytes: Uint8Array): z.output<typeof request> {
  let json: unknown;
  try {
    json = JSON.parse(utf8Text(bytes, "stdin"));
  } catch (cause) {
    if (cause instanceof NixsealError) throw cause;
    throw new NixsealError("malformed", "stdin is not JSON", { cause });
  }
  const parsed = request.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new NixsealError("malformed", `${["stdin", ...(issue?.path ?? [])].join(".")}: ${issue?.message}`, {
    hint: 'expected {"name", "contentAddress", "references", "self"}',
  });
}
