import { resolve } from "node:path";
import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import { parseDerivation } from "../../nix/derivation-aterm.ts";
import { derivationToJson } from "../../nix/derivation-json.ts";
import { derivationLimits, derivationPath, type Derivation } from "../../nix/derivation.ts";
import {
  anyStore,
  defaultStoreDirectory,
  nameOf,
  parseStorePath,
  storeDirectoryOf,
  type StorePath,
} from "../../nix/store-path.ts";
import { op } from "../op.ts";
import { inputBytes, naming } from "./input.ts";

export const drvShow = op({
  effect: "read",
  input: z.object({ file: z.string().describe("a .drv file; - is stdin").meta({ value: "FILE" }) }),
  positional: ["file"],
  output: z.record(z.string(), z.record(z.string(), z.unknown())),
  examples: [
    {
      command: "nixseal nix drv-show /nix/store/…-hello-2.12.drv --json",
      says: "as `nix show-derivation` of Nix 2.4 to 2.14",
    },
  ],
  run: (context, { file }) =>
    naming(file, async () => {
      const bytes = await inputBytes(context, file, derivationLimits.bytes);
      const derivation = parseDerivation(bytes, anyStore);
      const place = file === "-" ? "stdin" : resolve(context.workingDirectory, file);
      return { [pathOf(place, bytes, derivation)]: derivationToJson(derivation) };
    }),
  text: (output) => JSON.stringify(output, null, 2),
});

/**
 * The path of the derivation, which follows from its content. A file in the store that has another name than
 * that is damaged, however well it reads.
 */
function pathOf(file: string, bytes: Uint8Array, derivation: Derivation): string {
  const stated = storePathOf(file);
  const directory =
    storeOf(derivation) ?? (stated === null ? defaultStoreDirectory : storeDirectoryOf(stated));
  const name = stated === null ? nameIn(derivation) : nameOf(stated).replace(/\.drv$/, "");
  if (name === null) return file;
  const path = derivationPath(name, bytes, derivation, directory);
  if (stated !== null && storeDirectoryOf(stated) === directory && stated !== path)
    throw new NixsealError("malformed", "the file does not have the content that its store path names", {
      hint: `this content belongs to ${path}`,
    });
  return path;
}

function storePathOf(text: string): StorePath | null {
  try {
    return parseStorePath(text, anyStore);
  } catch {
    return null; // a file outside of any store: its name says nothing
  }
}

function storeOf({ outputs, inputSources, inputDerivations }: Derivation): string | null {
  const written = [...outputs.values()].flatMap((output) => ("path" in output ? [output.path] : []));
  const path = [...written, ...inputSources, ...inputDerivations.keys()][0];
  return path === undefined ? null : storeDirectoryOf(path);
}

/** With structured attributes the name is among these. */
function nameIn({ env }: Derivation): string | null {
  const name = env.get("name") ?? /"name":"([0-9a-zA-Z+\-._?=]+)"/.exec(env.get("__json") ?? "")?.[1];
  return name !== undefined && /^[0-9a-zA-Z+\-_?=][0-9a-zA-Z+\-._?=]{0,200}$/.test(name) ? name : null;
}
