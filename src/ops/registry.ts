import type { AnyOp } from "./op.ts";

/** A line a verb. The import is lazy: `--help` loads no schema and no cryptography. */
export interface Entry {
  readonly summary: string;
  readonly load: () => Promise<AnyOp>;
}

/** The nouns, in the order of the help page. */
export const nouns: Readonly<Record<string, string>> = {
  secrets: "values that only their hosts and readers can decrypt",
  age: "encrypt and decrypt files in the format of age(1)",
  completion: "completions for your shell",
};

/** Every verb of `nixseal`, as `noun verb` or as one word. */
export const registry: Readonly<Record<string, Entry>> = {
  "secrets set": {
    summary: "give a secret a value",
    load: () => import("./secrets/set.ts").then((module) => module.set),
  },
  "secrets get": {
    summary: "print a value",
    load: () => import("./secrets/get.ts").then((module) => module.get),
  },
  "secrets edit": {
    summary: "change a value in your editor, in memory only",
    load: () => import("./secrets/edit.ts").then((module) => module.edit),
  },
  "secrets list": {
    summary: "list the secrets of the fleet and their state",
    load: () => import("./secrets/list.ts").then((module) => module.list),
  },
  "secrets show": {
    summary: "show who can read a secret, where it goes and how old it is",
    load: () => import("./secrets/show.ts").then((module) => module.show),
  },
  "secrets check": {
    summary: "check recipients, completeness and age, without any key",
    load: () => import("./secrets/check.ts").then((module) => module.check),
  },
  "secrets rekey": {
    summary: "encrypt what is out of date to the recipients of the inventory",
    load: () => import("./secrets/rekey.ts").then((module) => module.rekey),
  },
  "secrets manifest": {
    summary: "print what a host installs",
    load: () => import("./secrets/manifest.ts").then((module) => module.manifest),
  },
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
