import { textsOf } from "../configuration/value.ts";
import type { Check, Judge } from "./check.ts";
import { hasText, isFalse, isLiteralSecret, isOneOf, isTrue, textMatches } from "./judges.ts";

const manual = "https://nix.dev/manual/nix/latest/command-ref/conf-file";
const both = ["config", "trust"] as const;
const substituters = [
  "nix.settings.substituters",
  "nix.settings.extra-substituters",
  "nix.settings.trusted-substituters",
  "nix.settings.extra-trusted-substituters",
  "nix.binaryCaches",
  "nix.trustedBinaryCaches",
  "nixConfig.substituters",
  "nixConfig.extra-substituters",
];

/** What Nix accepts into the store, and from whom. */
export const nixChecks: readonly Check[] = [
  {
    looksAt: "option",
    id: "NIX001",
    name: "require-sigs-off",
    severity: "critical",
    areas: both,
    title: "Nix takes store paths that nobody signed",
    means: "Whoever stands between the host and a cache, or may copy to the store, decides what root runs.",
    fix: "remove it; sign what you build (nix.settings.secret-key-files) and add the public key",
    references: [`${manual}#conf-require-sigs`],
    options: ["nix.settings.require-sigs", "nix.requireSignedBinaryCaches"],
    judge: isFalse,
  },
  {
    looksAt: "option",
    id: "NIX002",
    name: "nix-conf-text",
    severity: "high",
    areas: both,
    title: "a line of nix.conf takes Nix's protection away",
    means: "Unsigned paths, an open sandbox or trusted users let others decide what root runs.",
    fix: "remove the line; what is needed stands in nix.settings, where it is checked",
    references: [manual],
    options: ["nix.extraOptions"],
    judge: textMatches(
      /^\s*(?:require-sigs\s*=\s*false|sandbox\s*=\s*(?:false|relaxed)|(?:extra-)?trusted-users\s*=.*(?:\*|@)|accept-flake-config\s*=\s*true)/,
    ),
  },
  {
    looksAt: "option",
    id: "NIX003",
    name: "http-substituter",
    severity: "medium",
    areas: both,
    title: "a binary cache is asked over plain HTTP",
    means:
      "Others on the way see what you run and hold back updates; with signatures off they choose what you get.",
    fix: "write https://",
    references: [`${manual}#conf-substituters`],
    options: substituters,
    judge: hasText((text) => /(?:^|\s)http:\/\/(?!(?:localhost|127\.|\[::1\]))/.test(text)),
  },
  {
    looksAt: "option",
    id: "NIX004",
    name: "trusted-substituter",
    severity: "high",
    areas: both,
    title: "signatures of a binary cache are not looked at",
    means: "`trusted=true` in a cache's address makes everything that it serves count as signed.",
    fix: "remove trusted=true and add the cache's public key to trusted-public-keys",
    references: [
      "https://nix.dev/manual/nix/latest/store/types/http-binary-cache-store#store-http-binary-cache-store-trusted",
    ],
    options: substituters,
    judge: hasText((text) => /[?&]trusted=(?:true|1)\b/.test(text)),
  },
  {
    looksAt: "option",
    id: "NIX005",
    name: "sandbox-off",
    severity: "high",
    areas: ["config"],
    title: "builds run outside the sandbox",
    means: "A build reads the host's files and network, and its result depends on them.",
    fix: "set nix.settings.sandbox = true",
    references: [`${manual}#conf-sandbox`],
    options: ["nix.settings.sandbox", "nix.useSandbox"],
    judge: isOneOf("false", "relaxed", false),
  },
  {
    looksAt: "option",
    id: "NIX006",
    name: "accept-flake-config",
    severity: "high",
    areas: both,
    title: "settings that any flake brings along are taken without asking",
    means: "A flake adds its own cache and key, and so decides what is run from then on.",
    fix: "remove accept-flake-config; add the caches that you trust to nix.settings",
    references: [`${manual}#conf-accept-flake-config`],
    options: ["nix.settings.accept-flake-config"],
    judge: isTrue,
  },
  {
    looksAt: "option",
    id: "NIX007",
    name: "flake-brings-cache",
    severity: "low",
    areas: both,
    title: "the flake asks its users to trust its keys or caches",
    means: "Who says yes once trusts that key for every path from then on, also after it was stolen.",
    fix: "name caches and keys in the hosts' nix.settings, and in a README for others",
    references: ["https://nix.dev/manual/nix/latest/command-ref/new-cli/nix3-flake#flake-format"],
    options: [
      "nixConfig.trusted-public-keys",
      "nixConfig.extra-trusted-public-keys",
      "nixConfig.post-build-hook",
    ],
    judge: () => ({}),
  },
  {
    looksAt: "option",
    id: "NIX008",
    name: "native-code-in-evaluation",
    severity: "critical",
    areas: ["config"],
    title: "evaluating Nix code may run programs",
    means: "Looking at somebody's flake runs what they want, as you.",
    fix: "remove allow-unsafe-native-code-during-evaluation",
    references: [`${manual}#conf-allow-unsafe-native-code-during-evaluation`],
    options: ["nix.settings.allow-unsafe-native-code-during-evaluation"],
    judge: isTrue,
  },
  {
    looksAt: "option",
    id: "NIX009",
    name: "insecure-packages",
    severity: "medium",
    areas: ["config"],
    title: "packages that nixpkgs marks as insecure are allowed",
    means: "They have known holes, and nobody mends them.",
    fix: "replace the package; if that is not possible, waive this with a date",
    references: ["https://nixos.org/manual/nixpkgs/stable/#sec-allow-insecure"],
    options: [
      "nixpkgs.config.permittedInsecurePackages",
      "config.permittedInsecurePackages",
      "nixpkgs.config.allowInsecurePredicate",
    ],
    judge: ((value, { path }) => {
      if (path.at(-1) === "allowInsecurePredicate") return {};
      if (value.kind !== "list") return "unknown";
      const names = textsOf(value);
      if (names.length > 0)
        return { message: `insecure packages are allowed: ${names.slice(0, 5).join(", ")}` };
      return value.whole && value.items.length === 0 ? "fine" : "unknown";
    }) satisfies Judge,
  },
  {
    looksAt: "option",
    id: "NIX010",
    name: "syscall-filter-off",
    severity: "medium",
    areas: ["config"],
    title: "builds may make setuid programs",
    means: "A build leaves a setuid file that a local user runs before Nix takes the bit away.",
    fix: "remove filter-syscalls = false",
    references: [`${manual}#conf-filter-syscalls`],
    options: ["nix.settings.filter-syscalls"],
    judge: isFalse,
  },
  {
    looksAt: "option",
    id: "NIX011",
    name: "root-builder",
    severity: "medium",
    areas: both,
    title: "a build machine is reached as root",
    means: "The key of one host is root on the build machine, and so on all that use it.",
    fix: "make a user of its own there, with nix-daemon --stdio as its forced command",
    references: ["https://nix.dev/manual/nix/latest/advanced-topics/distributed-builds"],
    options: ["nix.buildMachines.[].sshUser", "nix.buildMachines.[].hostName"],
    judge: (value, { path }) => {
      if (value.kind !== "text") return value.kind === "unknown" ? "unknown" : "fine";
      return (path.at(-1) === "sshUser" ? value.text === "root" : value.text.startsWith("root@"))
        ? {}
        : "fine";
    },
  },
  {
    looksAt: "option",
    id: "NIX012",
    name: "access-token-in-store",
    severity: "high",
    areas: ["config", "secrets"],
    title: "an access token stands in nix.conf, which everybody on the host reads",
    means: "Every local user and every process reads /etc/nix/nix.conf and the store.",
    fix: "write !include /run/nixseal/secrets/nix-tokens into nix.extraOptions, and keep the token there",
    references: [`${manual}#conf-access-tokens`],
    options: ["nix.settings.access-tokens", "nix.settings.access-tokens.*", "nix.extraOptions"],
    judge: (value, definition) => {
      const { path } = definition;
      if (path.at(-2) === "access-tokens") return isLiteralSecret(value, definition);
      const token = textsOf(value)
        .map((text) => /=((?:gh[pousr]_|github_pat_|glpat-|PAT:)\S+)/.exec(text)?.[1])
        .find((found) => found !== undefined);
      return token === undefined ? "fine" : { secret: token };
    },
  },
  {
    looksAt: "option",
    id: "NIX013",
    name: "unverified-auto-upgrade",
    severity: "medium",
    areas: both,
    title: "the host upgrades itself to whatever its branch holds",
    means:
      "Whoever can push to the branch, or to an input that is updated, is root on the host the next night.",
    fix: "deploy what was signed; let the host pull only what it verifies",
    references: ["https://nixos.org/manual/nixos/stable/#sec-upgrading-automatic"],
    options: ["system.autoUpgrade.enable"],
    judge: isTrue,
  },
];
