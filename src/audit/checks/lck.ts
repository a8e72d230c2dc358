import type { LockedInput } from "../target/lock-file.ts";
import type { Check, Hit } from "./check.ts";
import { lastName } from "../configuration/module-functions.ts";
import type { Expression } from "../nix-language/ast.ts";

const areas = ["config"] as const;
const flakes = "https://nix.dev/manual/nix/latest/command-ref/new-cli/nix3-flake#lock-files";
const day = 86_400;
const staleAfter = 60;
const hashNames: ReadonlySet<string> = new Set(["sha256", "hash", "narHash", "outputHash", "sha512"]);

/** What the configuration is built from, and whether that is fixed. */
export const lockChecks: readonly Check[] = [
  {
    looksAt: "lock",
    id: "LCK001",
    name: "stale-nixpkgs",
    severity: "medium",
    areas,
    title: "nixpkgs is old",
    means: "Security fixes of that time are not in what is built.",
    fix: "run 'nix flake update nixpkgs', and do it on a schedule",
    references: ["https://nix.dev/manual/nix/latest/command-ref/new-cli/nix3-flake-update"],
    *find({ inputs }, now): Generator<Hit> {
      for (const input of inputs.filter(isNixpkgs)) {
        if (input.lastModified === null) continue;
        const age = Math.floor((now.getTime() / 1000 - input.lastModified) / day);
        if (age > staleAfter)
          yield {
            line: input.line,
            message: `nixpkgs (${input.name}) is ${age} days old`,
            evidence: `lastModified ${input.lastModified}`,
          };
      }
    },
  },
  {
    looksAt: "lock",
    id: "LCK002",
    name: "http-input",
    severity: "high",
    areas: ["config", "trust"],
    title: "an input is fetched over a connection that anyone on the way can change",
    means: "The hash protects what is locked; whoever stands between decides what the next update locks.",
    fix: "write https://, or ssh://",
    references: [flakes],
    *find({ inputs }): Generator<Hit> {
      for (const { name, line, url, originalUrl } of inputs)
        if (
          [url, originalUrl].some((address) => /^(?:git\+|tarball\+|file\+)?(?:http|git):\/\//.test(address))
        )
          yield { line, message: `the input ${name} is fetched over plain HTTP or git://` };
    },
  },
  {
    looksAt: "lock",
    id: "LCK003",
    name: "input-not-fixed",
    severity: "high",
    areas: ["config", "trust"],
    title: "an input is not fixed by a hash",
    means: "What is built may change without a commit that anybody signed.",
    fix: "run 'nix flake lock' with a Nix that is not older than 2.4, and commit the result",
    references: [flakes],
    *find({ inputs }): Generator<Hit> {
      for (const { name, line, type, rev, narHash } of inputs) {
        if (narHash === null && type !== "path") yield { line, message: `the input ${name} has no hash` };
        else if (rev === null && ["github", "gitlab", "sourcehut", "git", "hg"].includes(type))
          yield { line, message: `the input ${name} has no revision` };
      }
    },
  },
  {
    looksAt: "lock",
    id: "LCK004",
    name: "registry-input",
    severity: "low",
    areas,
    title: "an input is named through the flake registry",
    means: "The registry of whoever runs the update decides where the input comes from.",
    fix: "write the whole address in flake.nix: github:NixOS/nixpkgs/nixos-unstable",
    references: ["https://nix.dev/manual/nix/latest/command-ref/new-cli/nix3-registry"],
    *find({ inputs }): Generator<Hit> {
      for (const { name, line, originalType } of inputs)
        if (originalType === "indirect")
          yield { line, message: `the input ${name} is named through the flake registry` };
    },
  },
  {
    looksAt: "lock",
    id: "LCK005",
    name: "end-of-life-release",
    severity: "high",
    areas,
    title: "nixpkgs follows a release that gets no more fixes",
    means: "Holes that are found from now on stay open.",
    fix: "move to a release that is supported",
    references: ["https://endoflife.date/nixos"],
    *find({ inputs }, now): Generator<Hit> {
      for (const { name, line, originalRef } of inputs) {
        const [, year, month] =
          /^(?:nixos|nixpkgs|release)-(\d\d)\.(05|11)(?:-small|-darwin|-aarch64)?$/.exec(originalRef) ?? [];
        if (year === undefined) continue;
        // A release is supported for seven months: .05 until the end of December, .11 until the end of June.
        const end =
          month === "05" ? Date.UTC(2000 + Number(year) + 1, 0, 1) : Date.UTC(2000 + Number(year) + 1, 6, 1);
        if (now.getTime() > end)
          yield { line, message: `${name} follows ${originalRef}, which gets no more fixes` };
      }
    },
  },
  {
    looksAt: "lock",
    id: "LCK006",
    name: "many-nixpkgs",
    severity: "low",
    areas,
    title: "there are several copies of nixpkgs",
    means: "An update of one leaves programs from the others with their holes.",
    fix: 'let inputs follow yours: inputs.NAME.inputs.nixpkgs.follows = "nixpkgs"',
    references: ["https://nix.dev/manual/nix/latest/command-ref/new-cli/nix3-flake#flake-inputs"],
    *find({ inputs, direct }): Generator<Hit> {
      const copies = inputs.filter(isNixpkgs);
      const surplus = copies.filter(({ name }) => !direct.includes(name));
      const [first] = surplus;
      if (copies.length > 2 && first !== undefined)
        yield {
          line: first.line,
          message: `there are ${copies.length} copies of nixpkgs, ${surplus.length} of them brought by inputs`,
        };
    },
  },
  {
    looksAt: "expression",
    id: "LCK007",
    name: "fetch-without-hash",
    severity: "high",
    areas: ["config", "trust"],
    title: "something is fetched without a hash",
    means: "Whoever holds the address, or stands between, decides what is built the next time.",
    fix: "give sha256 (or rev, with builtins.fetchGit)",
    references: ["https://nix.dev/manual/nix/latest/language/builtins#builtins-fetchTarball"],
    kinds: ["call"],
    find: (expression) =>
      expression.kind === "call" && isLooseFetch(expression)
        ? { message: `${lastName(expression.callee)} fetches something without a hash` }
        : null,
  },
  {
    looksAt: "expression",
    id: "LCK008",
    name: "search-path",
    severity: "low",
    areas,
    title: "the configuration depends on NIX_PATH of whoever builds",
    means: "Two people build two different systems from one commit, and nobody notices.",
    fix: "take nixpkgs from a locked input, or from npins",
    references: ["https://nix.dev/guides/best-practices#search-path"],
    kinds: ["search-path"],
    find: (expression) =>
      expression.kind === "search-path" && !expression.text.startsWith("nix/")
        ? { message: `<${expression.text}> comes from NIX_PATH of whoever builds` }
        : null,
  },
];

function isNixpkgs({ owner, repo, name, url }: LockedInput): boolean {
  return (
    (owner.toLowerCase() === "nixos" && repo === "nixpkgs") ||
    /^nixpkgs(?:[-_]|$)/.test(name) ||
    /\/(?:NixOS\/)?nixpkgs(?:\.git|\/|$)|nixexprs\.tar/.test(url)
  );
}

/** builtins.fetchTarball, fetchurl, fetchGit, getFlake: those that take something without a hash. */
function isLooseFetch({ callee, arguments: [argument] }: Expression & { kind: "call" }): boolean {
  const name = lastName(callee);
  const builtin =
    callee.kind === "variable" ||
    (callee.kind === "select" && callee.of.kind === "variable" && callee.of.name === "builtins");
  if (!builtin || argument === undefined) return false;
  if (name === "getFlake")
    return (
      argument.kind === "string" &&
      !/[?&]rev=|\/[0-9a-f]{40}(?:\?|$)|narHash=/.test(
        argument.parts.map((part) => (part.kind === "text" ? part.text : "/0")).join(""),
      ) &&
      argument.parts.length === 1
    );
  if (
    name !== "fetchTarball" &&
    name !== "fetchGit" &&
    name !== "fetchMercurial" &&
    !(name === "fetchurl" && callee.kind === "select")
  )
    return false;
  if (argument.kind === "string") return true;
  if (argument.kind !== "set") return false;
  const names = argument.bindings.flatMap((binding): string[] => {
    if (binding.kind === "inherit") return binding.names.map((one) => one.name);
    const [first] = binding.path;
    return first?.kind === "name" ? [first.name] : [];
  });
  const wanted = name === "fetchGit" || name === "fetchMercurial" ? new Set(["rev", "narHash"]) : hashNames;
  return !names.some((one) => wanted.has(one));
}
