import { textsOf } from "../configuration/value.ts";
import type { PlacedDefinition, Tree } from "../tree.ts";
import type { Check, Hit } from "./check.ts";
import { matchesOf } from "./text-matches.ts";

const areas = ["config"] as const;
const luks = [
  "boot.initrd.luks.devices.**",
  "boot.initrd.clevis.devices.**",
  "boot.initrd.systemd.enableTpm2",
  "boot.zfs.requestEncryptionCredentials",
];
const secureBoot = ["boot.lanzaboote.enable", "boot.loader.limine.secureBoot.enable"];

/** What is missing, which only the whole target tells. What modules from elsewhere set is not seen: then it is unknown. */
export const wholeChecks: readonly Check[] = [
  {
    looksAt: "tree",
    id: "LCK009",
    name: "no-lock-file",
    severity: "high",
    areas: ["config", "trust"],
    title: "the flake has inputs and no flake.lock",
    means: "Each build takes what the inputs hold at that moment, and no commit says what it was.",
    fix: "run 'nix flake lock' and commit flake.lock",
    references: ["https://nix.dev/manual/nix/latest/command-ref/new-cli/nix3-flake#lock-files"],
    *find({ texts, locked, singleFile }): Generator<Hit> {
      const flake = texts.get("flake.nix");
      if (flake !== undefined && locked === null && !singleFile && /^[ \t]*inputs\b/m.test(flake))
        yield { file: "flake.nix", line: lineOf(flake, /^[ \t]*inputs\b/gm) };
    },
  },
  {
    looksAt: "tree",
    id: "LCK010",
    name: "lock-out-of-step",
    severity: "medium",
    areas,
    title: "an input of flake.nix is not in flake.lock",
    means: "The next build on any machine locks it by itself, to what it holds at that moment.",
    fix: "run 'nix flake lock' and commit flake.lock",
    references: ["https://nix.dev/manual/nix/latest/command-ref/new-cli/nix3-flake#lock-files"],
    options: ["inputs.*.url", "inputs.*"],
    *find(tree): Generator<Hit> {
      const { locked } = tree;
      if (locked === null) return;
      const seen = new Set<string>();
      for (const { file, definition } of [...tree.find("inputs.*.url"), ...tree.find("inputs.*")]) {
        const [first, name] = definition.path;
        if (
          file !== "flake.nix" ||
          first !== "inputs" ||
          name === undefined ||
          seen.has(name) ||
          locked.includes(name)
        )
          continue;
        if (definition.path.length > 2 && definition.path[2] !== "url") continue;
        seen.add(name);
        yield {
          file,
          line: definition.at.line,
          message: `the input ${name} of flake.nix is not in flake.lock`,
        };
      }
    },
  },
  {
    looksAt: "tree",
    id: "NIX014",
    name: "member-key-trusted",
    severity: "medium",
    areas: ["config", "trust"],
    title: "a host trusts the signing key of one person",
    means:
      "Whoever has that key puts any path into the store that a later deployment uses, and no host learns when it is revoked.",
    fix: "let members sign with certificates of the fleet's CA, or let one build machine sign",
    references: ["https://github.com/NixOS/nix/issues/14451"],
    options: [
      "nix.settings.trusted-public-keys",
      "nix.settings.extra-trusted-public-keys",
      "nix.binaryCachePublicKeys",
      "users.users.*.isNormalUser",
    ],
    *find(tree): Generator<Hit> {
      const people = new Set([
        ...tree.find("users.users.*.isNormalUser").map(({ definition }) => definition.path.at(-2)!),
        ...Array.from(
          matchesOf(tree.texts.get("fleet.toml") ?? "", /^[ \t]*\[members\.([\w-]+)\]/gm),
          ({ match }) => match[1]!,
        ),
      ]);
      for (const option of [
        "nix.settings.trusted-public-keys",
        "nix.settings.extra-trusted-public-keys",
        "nix.binaryCachePublicKeys",
      ])
        for (const { file, definition } of tree.find(option)) {
          const names = textsOf(definition.value)
            .flatMap((text) => text.split(/\s+/))
            .map((key) => key.split(":")[0]!.replace(/-\d+$/, ""));
          const found = names.filter((name) => people.has(name) || people.has(name.split(/[@.]/)[0]!));
          if (found.length > 0)
            yield {
              file,
              line: definition.at.line,
              message: `a host trusts the signing key of one person: ${found.slice(0, 5).join(", ")}`,
            };
        }
    },
  },
  {
    looksAt: "tree",
    id: "HST015",
    name: "no-disk-encryption",
    severity: "medium",
    areas,
    title: "the disk of a host is not encrypted, as far as the repository tells",
    means: "Who takes the disk, or gets it when it is thrown away, reads everything on it, host keys too.",
    fix: "encrypt with LUKS (boot.initrd.luks.devices) and unlock with a TPM or Tang",
    references: ["https://wiki.nixos.org/wiki/Full_Disk_Encryption"],
    options: ["fileSystems./.device", "fileSystems./.fsType", ...luks],
    find: (tree) =>
      missing(
        tree,
        luks,
        ["fileSystems./.device", "fileSystems./.fsType"],
        ({ definition }) => !/mapper|crypt|zfs|tmpfs|bcachefs/.test(textsOf(definition.value).join(" ")),
      ),
  },
  {
    looksAt: "tree",
    id: "HST016",
    name: "no-secure-boot",
    severity: "low",
    areas,
    title: "a host starts whatever its boot partition holds, as far as the repository tells",
    means: "Who can write the boot partition changes the kernel, and encryption of the disk does not help.",
    fix: "use lanzaboote or limine's secureBoot, and keep the keys safe",
    references: ["https://wiki.nixos.org/wiki/Secure_Boot"],
    options: ["boot.loader.systemd-boot.enable", "boot.loader.grub.enable", ...secureBoot],
    find: (tree) =>
      missing(
        tree,
        secureBoot,
        ["boot.loader.systemd-boot.enable", "boot.loader.grub.enable"],
        ({ definition: { value } }) => value.kind === "bool" && value.value,
      ),
  },
  {
    looksAt: "tree",
    id: "HST017",
    name: "no-apparmor",
    severity: "low",
    areas,
    title: "nothing in the repository turns AppArmor on",
    means: "A service that is taken over may do everything that its user may.",
    fix: "set security.apparmor.enable = true",
    references: ["https://search.nixos.org/options?show=security.apparmor.enable"],
    options: ["security.apparmor.enable", "system.stateVersion"],
    *find(tree): Generator<Hit> {
      const [system] = tree.find("system.stateVersion");
      if (system !== undefined && tree.find("security.apparmor.enable").length === 0)
        yield {
          file: system.file,
          line: system.definition.at.line,
          unknown: true,
          evidence: "a module from elsewhere may set it",
        };
    },
  },
];

/** The first sign that a host needs it, when nothing in the target sets it. */
function* missing(
  tree: Tree,
  wanted: readonly string[],
  signs: readonly string[],
  isSign: (sign: PlacedDefinition) => boolean,
): Generator<Hit> {
  if (wanted.some((option) => tree.find(option).length > 0)) return;
  const first = signs.flatMap((option) => tree.find(option)).find(isSign);
  if (first !== undefined)
    yield {
      file: first.file,
      line: first.definition.at.line,
      evidence: `nothing in the repository sets ${wanted[0]!.replace(".**", "")}`,
    };
}

function lineOf(text: string, pattern: RegExp): number {
  for (const { line } of matchesOf(text, pattern)) return line;
  return 1;
}
