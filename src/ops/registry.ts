import type { AnyOp } from "./op.ts";

/** A line a verb. The import is lazy: `--help` loads no schema and no cryptography. */
export interface Entry {
  readonly summary: string;
  readonly load: () => Promise<AnyOp>;
}

/** The nouns, in the order of the help page. */
export const nouns: Readonly<Record<string, string>> = {
  nix: "Nix's formats: the language",
  completion: "completions for your shell",
};

/** Every verb of `nixseal`, as `noun verb` or as one word. */
export const registry: Readonly<Record<string, Entry>> = {
  "nix parse": {
    summary: "check the syntax of Nix files, without Nix",
    load: () => import("./nix/parse.ts").then((module) => module.parse),
  },
  completion: {
    summary: "print the completion script for bash, zsh or fish",
    load: () => import("./completion.ts").then((module) => module.completion),
  },
};
