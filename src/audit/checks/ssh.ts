import type { Check } from "./check.ts";
import { hasText, isFalse, isOneOf, isTrue, textMatches } from "./judges.ts";
import { linesWith } from "./text-matches.ts";

const sshdManual = "https://man.openbsd.org/sshd_config";
const config = ["config"] as const;
const weak =
  /^(?:[a-z0-9-]{0,40}(?:3des|arcfour|blowfish|cast128)[a-z0-9-]{0,40}|aes\d+-cbc|hmac-(?:md5|sha1|ripemd160)[a-z0-9@.-]*|umac-64[a-z0-9@.-]*|diffie-hellman-group(?:1|14|-exchange)-sha1|ssh-dss|ssh-rsa)$/i;

/** What sshd lets in, and whether clients check whom they talk to. */
export const sshChecks: readonly Check[] = [
  {
    looksAt: "option",
    id: "SSH001",
    name: "root-login",
    severity: "high",
    areas: config,
    title: "root may log in over SSH, with a password too",
    means: "One guessed or stolen password is the whole machine, and the log does not say whose it was.",
    fix: 'set services.openssh.settings.PermitRootLogin = "no"; log in as yourself and use sudo',
    references: [`${sshdManual}#PermitRootLogin`],
    options: ["services.openssh.settings.PermitRootLogin", "services.openssh.permitRootLogin"],
    judge: isOneOf("yes", true),
  },
  {
    looksAt: "option",
    id: "SSH002",
    name: "password-login",
    severity: "medium",
    areas: config,
    title: "SSH takes passwords",
    means: "Passwords are guessed from everywhere, all day; a key can't be.",
    fix: "set services.openssh.settings.PasswordAuthentication = false",
    references: [`${sshdManual}#PasswordAuthentication`],
    options: ["services.openssh.settings.PasswordAuthentication", "services.openssh.passwordAuthentication"],
    judge: isOneOf("yes", true),
  },
  {
    looksAt: "option",
    id: "SSH003",
    name: "keyboard-interactive",
    severity: "medium",
    areas: config,
    title: "SSH takes keyboard-interactive logins, which are passwords through PAM",
    means: "PasswordAuthentication = false alone leaves this way in.",
    fix: "set services.openssh.settings.KbdInteractiveAuthentication = false",
    references: [`${sshdManual}#KbdInteractiveAuthentication`],
    options: [
      "services.openssh.settings.KbdInteractiveAuthentication",
      "services.openssh.kbdInteractiveAuthentication",
      "services.openssh.challengeResponseAuthentication",
    ],
    judge: isOneOf("yes", true),
  },
  {
    looksAt: "option",
    id: "SSH004",
    name: "empty-passwords",
    severity: "critical",
    areas: config,
    title: "SSH lets in accounts that have no password",
    means: "Whoever knows the name of such an account is in.",
    fix: 'remove it, or set PermitEmptyPasswords = "no"',
    references: [`${sshdManual}#PermitEmptyPasswords`],
    options: ["services.openssh.settings.PermitEmptyPasswords"],
    judge: isOneOf("yes", true),
  },
  {
    looksAt: "option",
    id: "SSH005",
    name: "x11-forwarding",
    severity: "low",
    areas: config,
    title: "sshd forwards X11",
    means: "A taken server reads the keyboard and screen of those who forward to it.",
    fix: "set services.openssh.settings.X11Forwarding = false",
    references: [`${sshdManual}#X11Forwarding`],
    options: ["services.openssh.settings.X11Forwarding", "services.openssh.forwardX11"],
    judge: isOneOf("yes", true),
  },
  {
    looksAt: "option",
    id: "SSH006",
    name: "weak-algorithms",
    severity: "medium",
    areas: config,
    title: "SSH is set to algorithms that are broken or nearly so",
    means: "Sessions can be read or changed by who records them or stands between.",
    fix: "remove the setting: the defaults of OpenSSH are better than a list that nobody looks after",
    references: ["https://www.openssh.com/legacy.html"],
    options: [
      "Ciphers",
      "Macs",
      "KexAlgorithms",
      "HostKeyAlgorithms",
      "PubkeyAcceptedAlgorithms",
      "CASignatureAlgorithms",
    ].map((name) => `services.openssh.settings.${name}`),
    // "-aes128-cbc" takes an algorithm away, which is fine.
    judge: hasText(
      (text) =>
        !text.startsWith("-") &&
        text
          .replace(/^[+^]/, "")
          .split(",")
          .some((name) => weak.test(name)),
    ),
  },
  {
    looksAt: "option",
    id: "SSH007",
    name: "gateway-ports",
    severity: "low",
    areas: config,
    title: "forwarded ports are open to other machines",
    means: "Whoever logs in can open a door through the machine for the whole network.",
    fix: 'set services.openssh.settings.GatewayPorts = "no"',
    references: [`${sshdManual}#GatewayPorts`],
    options: ["services.openssh.settings.GatewayPorts", "services.openssh.gatewayPorts"],
    judge: isOneOf("yes", "clientspecified", true),
  },
  {
    looksAt: "option",
    id: "SSH008",
    name: "strict-modes-off",
    severity: "medium",
    areas: config,
    title: "sshd trusts files of keys that others may write",
    means: "Another user of the machine can add a key to an account.",
    fix: "remove StrictModes, or set it to true",
    references: [`${sshdManual}#StrictModes`],
    options: ["services.openssh.settings.StrictModes"],
    judge: isFalse,
  },
  {
    looksAt: "text",
    id: "SSH009",
    name: "unchecked-host-keys",
    severity: "high",
    areas: ["config", "trust"],
    title: "SSH is told not to check the host's key",
    means: "Whoever stands between gets the session: what is deployed, and secrets on stdin.",
    fix: "put the host's key into programs.ssh.knownHosts, or into a known_hosts file of the repository",
    references: ["https://man.openbsd.org/ssh_config#StrictHostKeyChecking"],
    files: (path) => !/\.(?:md|txt|rst|adoc|html)$/i.test(path),
    find: ({ text }) =>
      linesWith(
        text,
        /^(?!\s*(?:#|\/\/)).*(?:StrictHostKeyChecking["']?\s*[=: ]\s*["']?(?:no|off|false)\b|UserKnownHostsFile["']?\s*[=: ]\s*["']?\/dev\/null)/i,
      ),
  },
  {
    looksAt: "option",
    id: "SSH010",
    name: "dss-key",
    severity: "high",
    areas: ["config", "trust"],
    title: "an account takes a DSA key",
    means: "DSA keys have 1024 bits at most, and OpenSSH no longer takes them.",
    fix: "replace it by an Ed25519 key",
    references: ["https://www.openssh.com/legacy.html"],
    options: ["users.users.*.openssh.authorizedKeys.keys"],
    judge: hasText((text) => /(?:^|\s)ssh-dss\s/.test(text)),
  },
  {
    looksAt: "option",
    id: "SSH011",
    name: "agent-forwarding",
    severity: "low",
    areas: config,
    title: "the SSH agent is forwarded to every host",
    means: "Whoever is root on any of those hosts uses all keys of the agent while the session lasts.",
    fix: "forward for single hosts only, or jump with ProxyJump, which needs no agent there",
    references: ["https://man.openbsd.org/ssh_config#ForwardAgent"],
    options: ["programs.ssh.forwardAgent", "programs.ssh.extraConfig"],
    judge: (value, definition) =>
      value.kind === "bool"
        ? isTrue(value, definition)
        : textMatches(/^\s*ForwardAgent\s+yes\b/i)(value, definition),
  },
  {
    looksAt: "option",
    id: "SSH012",
    name: "sshd-config-text",
    severity: "high",
    areas: config,
    title: "a line of sshd_config opens what the settings close",
    means:
      "Behind 'Match' such a line wins over services.openssh.settings, and nobody who reads these sees it.",
    fix: "remove the line; what is needed stands in services.openssh.settings, where it is checked",
    references: [`${sshdManual}#Match`],
    options: ["services.openssh.extraConfig", 'environment.etc."ssh/sshd_config".text'],
    judge: textMatches(
      /^\s*(?:(?:PermitRootLogin|PasswordAuthentication|KbdInteractiveAuthentication|ChallengeResponseAuthentication|PermitEmptyPasswords|HostbasedAuthentication)[\s=]+"?yes\b|StrictModes[\s=]+"?no\b)/i,
    ),
  },
];
