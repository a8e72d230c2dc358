import { textsOf, wholeText, type Value } from "../configuration/value.ts";
import type { Check, Judge, Problem } from "./check.ts";
import { hasText, isFalse, isTrue, textMatches } from "./judges.ts";

const config = ["config"] as const;
const nixManual = "https://nix.dev/manual/nix/latest/command-ref/conf-file";
// Commands that give root to whoever may run them with arguments of their own choice.
const givesRoot =
  /(?:^|\/)(?:nix-env|nix-build|nix-store|nix|nixos-rebuild|switch-to-configuration|systemctl|systemd-run|bash|sh|env|cp|mv|tee|chmod|chown|mount|docker|podman|vim|vi|nano|less|find|rsync|tar)(?:\s|$)/;
const rootGroups: ReadonlySet<string> = new Set(["docker", "lxd", "incus-admin", "disk", "kmem", "shadow"]);

/** Ways to root that are wider than they look. */
export const privilegeChecks: readonly Check[] = [
  {
    looksAt: "option",
    id: "PRV001",
    name: "trusted-users",
    severity: "high",
    areas: ["config", "trust"],
    title: "users that Nix trusts are root in all but name",
    means:
      "A trusted user puts unsigned paths into the store and turns the sandbox off: what root runs next is theirs.",
    fix: "leave trusted-users at root; let CI and members sign what they copy, and put the keys into trusted-public-keys",
    references: [`${nixManual}#conf-trusted-users`],
    options: ["nix.settings.trusted-users", "nix.settings.extra-trusted-users", "nix.trustedUsers"],
    judge: hasText((text) => {
      const names = text.split(/\s+/).filter((name) => name !== "" && name !== "root");
      if (names.length === 0) return false;
      if (names.includes("*"))
        return { severity: "critical", message: "Nix trusts every user: each is root in all but name" };
      return {
        message: `Nix trusts ${names.slice(0, 5).join(", ")}, who ${names.length > 1 ? "are" : "is"} root in all but name`,
      };
    }),
  },
  {
    looksAt: "option",
    id: "PRV002",
    name: "sudo-without-password",
    severity: "medium",
    areas: config,
    title: "sudo asks nobody of wheel for a password",
    means: "A program that runs as such a user, or a stolen session, is root at once.",
    fix: "remove it; for deployments allow single commands without arguments instead",
    references: ["https://www.sudo.ws/docs/man/sudoers.man/#NOPASSWD_and_PASSWD"],
    options: [
      "security.sudo.wheelNeedsPassword",
      "security.sudo-rs.wheelNeedsPassword",
      "security.doas.wheelNeedsPassword",
    ],
    judge: isFalse,
  },
  {
    looksAt: "option",
    id: "PRV003",
    name: "nopasswd-root-command",
    severity: "high",
    areas: config,
    title: "sudo runs a command without a password that gives whole root",
    means:
      "Such a command (nix-env, switch-to-configuration from any path, systemctl, a shell) runs what the caller brings along.",
    fix: "name one command with its full path and all its arguments, without wildcards; or use a root-owned receiver",
    references: ["https://www.sudo.ws/docs/man/sudoers.man/"],
    options: ["security.sudo.extraRules", "security.sudo-rs.extraRules"],
    judge: (value) => openRule(value) ?? (value.kind === "unknown" ? "unknown" : "fine"),
  },
  {
    looksAt: "option",
    id: "PRV004",
    name: "sudoers-nopasswd",
    severity: "high",
    areas: config,
    title: "a sudoers line gives root without a password",
    means: "Everything after NOPASSWD: runs as root for whoever is that user for a moment.",
    fix: "name one command with its full path and all its arguments, without wildcards",
    references: ["https://www.sudo.ws/docs/man/sudoers.man/"],
    options: ["security.sudo.extraConfig", "security.sudo-rs.extraConfig", "security.sudo.configFile"],
    judge: hasText((text) =>
      text.split("\n").some((line) => {
        const commands = /^[^#]*NOPASSWD\s*:(.*)$/.exec(line)?.[1];
        return commands !== undefined && commands.split(",").some((command) => isOpen(command.trim()));
      }),
    ),
  },
  {
    looksAt: "option",
    id: "PRV005",
    name: "root-group",
    severity: "medium",
    areas: config,
    title: "a user is in a group that is as good as root",
    means:
      "Members of docker or lxd mount the host's disk in a container; members of disk read and write it directly.",
    fix: "use rootless containers (virtualisation.podman, virtualisation.docker.rootless) and take the user out of the group",
    references: ["https://docs.docker.com/engine/security/#docker-daemon-attack-surface"],
    options: ["users.users.*.extraGroups", "users.extraUsers.*.extraGroups", "users.users.*.group"],
    judge: hasText(
      (text) =>
        rootGroups.has(text) && { message: `a user is in the group ${text}, which is as good as root` },
    ),
  },
  {
    looksAt: "option",
    id: "PRV006",
    name: "root-group-members",
    severity: "medium",
    areas: config,
    title: "a group that is as good as root has members",
    means:
      "Members of docker or lxd mount the host's disk in a container; members of disk read and write it directly.",
    fix: "use rootless containers and leave the group empty",
    references: ["https://docs.docker.com/engine/security/#docker-daemon-attack-surface"],
    options: [...rootGroups].map((group) => `users.groups.${group}.members`),
    judge: (value) => {
      if (value.kind === "list" && value.items.length > 0) return {};
      return value.kind === "list" && value.whole ? "fine" : "unknown";
    },
  },
  {
    looksAt: "option",
    id: "PRV007",
    name: "docker-tcp",
    severity: "critical",
    areas: config,
    title: "the Docker daemon listens on the network",
    means: "Whoever reaches the port without a client certificate is root on the host.",
    fix: "use the local socket, and ssh:// as the remote context",
    references: ["https://docs.docker.com/engine/security/protect-access/"],
    options: [
      "virtualisation.docker.listenOptions",
      "virtualisation.docker.daemon.settings.hosts",
      "virtualisation.docker.extraOptions",
    ],
    judge: hasText(
      (text) =>
        /tcp:\/\/|^(?:\d{1,3}(?:\.\d{1,3}){3}|\[::\])?:?\d{2,5}$/.test(text) &&
        !/tlsverify|127\.0\.0\.1|localhost|\[::1\]/.test(text),
    ),
  },
  {
    looksAt: "option",
    id: "PRV008",
    name: "polkit-yes",
    severity: "high",
    areas: config,
    title: "a polkit rule says yes to everybody",
    means: "Any local process may do what the rule covers, often as root.",
    fix: "ask for subject.isInGroup(…) and for one action.id, or answer AUTH_ADMIN",
    references: ["https://www.freedesktop.org/software/polkit/docs/latest/polkit.8.html"],
    options: ["security.polkit.extraConfig"],
    judge: (value) =>
      textsOf(value).some(
        (text) =>
          /Result\.YES\b/.test(text) && !/isInGroup|subject\.user|subject\.(?:local|active)/.test(text),
      )
        ? {}
        : "fine",
  },
  {
    looksAt: "option",
    id: "PRV009",
    name: "setuid-wrapper",
    severity: "low",
    areas: config,
    title: "a program is made setuid",
    means: "Every fault of that program is a way to root for every local user.",
    fix: "give it the one capability that it needs: security.wrappers.NAME.capabilities",
    references: ["https://man7.org/linux/man-pages/man7/capabilities.7.html"],
    options: ["security.wrappers.*.setuid"],
    judge: isTrue,
  },
  {
    looksAt: "option",
    id: "PRV010",
    name: "no-password-login",
    severity: "high",
    areas: config,
    title: "the check that somebody can log in safely is turned off",
    means: "NixOS no longer stops a configuration in which nobody, or anybody, can log in.",
    fix: "remove users.allowNoPasswordLogin, and give an administrator a key",
    references: ["https://search.nixos.org/options?show=users.allowNoPasswordLogin"],
    options: ["users.allowNoPasswordLogin"],
    judge: isTrue,
  },
  {
    looksAt: "option",
    id: "PRV011",
    name: "doas-without-password",
    severity: "medium",
    areas: config,
    title: "doas asks for no password",
    means: "A program that runs as such a user, or a stolen session, is root at once.",
    fix: "remove noPass, or limit the rule to one command with its arguments (cmd, args)",
    references: ["https://man.openbsd.org/doas.conf"],
    options: ["security.doas.extraRules", "security.doas.extraConfig"],
    judge: ((value, definition) => {
      if (value.kind !== "list") return textMatches(/^\s*permit\s+(?:\S+\s+)*nopass\b/)(value, definition);
      return value.items.some((rule) => isYes(entry(rule, "noPass")) && entry(rule, "cmd") === undefined)
        ? {}
        : "fine";
    }) satisfies Judge,
  },
];

function openRule(rules: Value): Problem | null {
  for (const rule of rules.kind === "list" ? rules.items : []) {
    const commands = entry(rule, "commands");
    for (const one of commands?.kind === "list" ? commands.items : []) {
      const command = one.kind === "text" ? undefined : wholeOrPart(entry(one, "command"));
      const options = entry(one, "options");
      if (command === undefined || options === undefined || !textsOf(options).includes("NOPASSWD")) continue;
      if (isOpen(command))
        return { message: `sudo runs ${shortName(command)} without a password, which gives whole root` };
    }
  }
  return null;
}

function isOpen(command: string): boolean {
  const plain = command.replace(/^(?:(?:NO)?(?:PASSWD|SETENV|EXEC)\s*:\s*)+/, "");
  return plain === "ALL" || plain.includes("*") || givesRoot.test(plain);
}

function shortName(command: string): string {
  return command === "ALL" ? "everything" : (command.split(/\s/)[0]!.split("/").at(-1) ?? command);
}

function entry(value: Value, name: string): Value | undefined {
  return value.kind === "set" ? value.entries.get(name) : undefined;
}

function wholeOrPart(value: Value | undefined): string | undefined {
  return wholeText(value) ?? (value?.kind === "text" ? value.text : undefined);
}

function isYes(value: Value | undefined): boolean {
  return value?.kind === "bool" && value.value;
}
