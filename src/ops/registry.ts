import type { AnyOp } from "./op.ts";

/** A line a verb. The import is lazy: `--help` loads no schema and no cryptography. */
export interface Entry {
  readonly summary: string;
  readonly load: () => Promise<AnyOp>;
}

/** The nouns, in the order of the help page. */
export const nouns: Readonly<Record<string, string>> = {
  secrets: "values that only their hosts and readers can decrypt",
  nix: "read, check and convert the formats of Nix, without Nix",
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
  "nix nar-hash": {
    summary: "print the NAR hash of a file system object",
    load: () => import("./nix/nar-hash.ts").then((module) => module.narHash),
  },
  "nix nar-ls": {
    summary: "list what is in a NAR",
    load: () => import("./nix/nar-ls.ts").then((module) => module.narLs),
  },
  "nix nar-unpack": {
    summary: "unpack a NAR to a path that does not exist",
    load: () => import("./nix/nar-unpack.ts").then((module) => module.narUnpack),
  },
  "nix nar-verify": {
    summary: "check that a NAR is whole and canonical",
    load: () => import("./nix/nar-verify.ts").then((module) => module.narVerify),
  },
  "nix hash-convert": {
    summary: "write a hash in another format",
    load: () => import("./nix/hash-convert.ts").then((module) => module.hashConvert),
  },
  "nix drv-show": {
    summary: "show a .drv file as JSON",
    load: () => import("./nix/drv-show.ts").then((module) => module.drvShow),
  },
  "nix narinfo": {
    summary: "read a .narinfo file and verify its signatures",
    load: () => import("./nix/narinfo.ts").then((module) => module.narinfo),
  },
  "nix store-path": {
    summary: "compute the store path of a content address",
    load: () => import("./nix/store-path.ts").then((module) => module.storePath),
  },
  "nix compare-versions": {
    summary: "order two versions as Nix does",
    load: () => import("./nix/compare-versions.ts").then((module) => module.compareVersions),
  },
  "nix parse-name": {
    summary: "split a package's name and version as Nix does",
    load: () => import("./nix/parse-name.ts").then((module) => module.parseName),
  },
  completion: {
    summary: "print the completion script for bash, zsh or fish",
    load: () => import("./completion.ts").then((module) => module.completion),
  },
};
