import type { AnyOp } from "./op.ts";

/** A line a verb. The import is lazy: `--help` loads no schema and no cryptography. */
export interface Entry {
  readonly summary: string;
  readonly load: () => Promise<AnyOp>;
}

/** The nouns, in the order of the help page. */
export const nouns: Readonly<Record<string, string>> = {
  age: "encrypt and decrypt files in the format of age(1)",
  completion: "completions for your shell",
};

/** Every verb of `nixseal`, as `noun verb` or as one word. */
export const registry: Readonly<Record<string, Entry>> = {
  "age encrypt": {
    summary: "encrypt a file to keys or to a passphrase",
    load: () => import("./age/encrypt.ts").then((module) => module.encrypt),
  },
  "age decrypt": {
    summary: "decrypt a file",
    load: () => import("./age/decrypt.ts").then((module) => module.decrypt),
  },
  "age inspect": {
    summary: "show what an age file tells without a key",
    load: () => import("./age/inspect.ts").then((module) => module.inspect),
  },
  completion: {
    summary: "print the completion script for bash, zsh or fish",
    load: () => import("./completion.ts").then((module) => module.completion),
  },
};
