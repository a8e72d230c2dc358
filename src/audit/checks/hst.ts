import { hole } from "../configuration/value.ts";
import type { Check } from "./check.ts";
import { hasText, isFalse, isTrue, numberOf } from "./judges.ts";

const areas = ["config"] as const;
const option = (name: string): string => `https://search.nixos.org/options?show=${name}`;

/** The host itself: what stands between an attacker and root. */
export const hostChecks: readonly Check[] = [
  {
    looksAt: "option",
    id: "HST005",
    name: "apparmor-off",
    severity: "medium",
    areas,
    title: "AppArmor is turned off",
    means: "A service that is taken over may do everything that its user may.",
    fix: "set security.apparmor.enable = true",
    references: [option("security.apparmor.enable")],
    options: ["security.apparmor.enable"],
    judge: isFalse,
  },
  {
    looksAt: "option",
    id: "HST006",
    name: "autologin",
    severity: "medium",
    areas,
    title: "somebody is logged in without being asked for a password",
    means: "Whoever sits at the machine, or starts it, is that user.",
    fix: "remove it, except on a kiosk that has nothing to lose",
    references: [option("services.getty.autologinUser")],
    options: [
      "services.getty.autologinUser",
      "services.mingetty.autologinUser",
      "services.displayManager.autoLogin.enable",
      "services.xserver.displayManager.autoLogin.enable",
      "services.displayManager.autoLogin.user",
    ],
    judge: (value, definition) => {
      if (definition.path.at(-1) === "enable") return isTrue(value, definition);
      return value.kind === "text" && value.text !== "" ? {} : value.kind === "unknown" ? "unknown" : "fine";
    },
  },
  {
    looksAt: "option",
    id: "HST007",
    name: "kernel-protection-off",
    severity: "high",
    areas,
    title: "the kernel is told to do without a protection",
    means: "Local programs read each other's memory or take the kernel over more easily.",
    fix: "remove the parameter",
    references: ["https://docs.kernel.org/admin-guide/kernel-parameters.html"],
    options: ["boot.kernelParams"],
    judge: hasText(
      (text) =>
        /^(?:mitigations=off|nokaslr|nosmep|nosmap|nopti|pti=off|noexec=off|spectre_v2=off|module\.sig_enforce=0|lockdown=none|apparmor=0|audit=0|init_on_alloc=0)$/.test(
          text,
        ) && { message: `the kernel is started with ${text}` },
    ),
  },
  {
    looksAt: "option",
    id: "HST008",
    name: "sysctl-weakened",
    severity: "medium",
    areas,
    title: "a kernel setting is weaker than the default",
    means: "Local programs learn addresses of the kernel, load code into it or attach to each other.",
    fix: "remove the setting",
    references: ["https://docs.kernel.org/admin-guide/sysctl/kernel.html"],
    options: [
      "kernel.kptr_restrict",
      "kernel.dmesg_restrict",
      "kernel.yama.ptrace_scope",
      "kernel.unprivileged_bpf_disabled",
      "kernel.randomize_va_space",
      "fs.protected_symlinks",
      "fs.protected_hardlinks",
      "net.ipv4.tcp_syncookies",
    ].map((name) => `boot.kernel.sysctl."${name}"`),
    judge: (value) =>
      value.kind === "unknown"
        ? "unknown"
        : numberOf(value) === 0 || (value.kind === "bool" && !value.value)
          ? {}
          : "fine",
  },
  {
    looksAt: "option",
    id: "HST009",
    name: "emergency-access",
    severity: "high",
    areas,
    title: "the initrd gives a root shell to whoever is at the console",
    means: "Who makes the boot fail reads and changes the disks, past secure boot.",
    fix: "remove it, or set it to the hash of a password",
    references: [option("boot.initrd.systemd.emergencyAccess")],
    options: ["boot.initrd.systemd.emergencyAccess"],
    judge: isTrue,
  },
  {
    looksAt: "option",
    id: "HST010",
    name: "boot-editor",
    severity: "medium",
    areas,
    title: "the boot menu lets everybody change the kernel's command line",
    means: "With init=/bin/sh it is root for whoever sits in front of the machine.",
    fix: "set boot.loader.systemd-boot.editor = false",
    references: [option("boot.loader.systemd-boot.editor")],
    options: ["boot.loader.systemd-boot.editor"],
    judge: isTrue,
  },
  {
    looksAt: "option",
    id: "HST014",
    name: "unencrypted-remote-unlock",
    severity: "high",
    areas: ["config", "secrets"],
    title: "the key of an encrypted disk lies where everybody can read it",
    means: "The initrd and the store are not encrypted: who has the disk has the key.",
    fix: "unlock with a TPM (systemd-cryptenroll), Tang (clevis) or a passphrase",
    references: [option("boot.initrd.secrets")],
    options: ["boot.initrd.luks.devices.*.keyFile", "boot.initrd.network.ssh.hostKeys"],
    judge: (value) => {
      const items = value.kind === "list" ? value.items : [value];
      return items.some(
        (item) =>
          (item.kind === "path" && !/^[/~<]/.test(item.text) && item.text !== hole) ||
          (item.kind === "text" && item.text.startsWith("/nix/store/")),
      )
        ? {}
        : "fine";
    },
  },
];
