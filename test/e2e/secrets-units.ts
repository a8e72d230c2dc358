export const failedUnit = "nixseal-secret@.service";
export const secretsUnit = "nixseal-secrets.service";
export const usersUnit = "nixseal-secrets-users.service";

/**
 * The units of nix/module/units.nix with the paths of a test host, its restrictions included: what they forbid, the
 * agent must not need.
 */
export function secretsUnits(manifest: string): Readonly<Record<string, string>> {
  return {
    // Not after local-fs.target, which itself comes after the users.
    [usersUnit]: installing(manifest, "users", "systemd-remount-fs.service", "systemd-sysusers.service"),
    [secretsUnit]: installing(
      manifest,
      "default",
      `local-fs.target systemd-sysusers.service ${usersUnit}`,
      "",
    ),
    [failedUnit]: `[Unit]
Description=Secret %i of this host

[Service]
Type=oneshot
ExecStart=/usr/local/bin/nixseal-agent secrets verify %i
UMask=0077
LimitCORE=0
NoNewPrivileges=true
KeyringMode=private
LockPersonality=true
PrivateDevices=true
PrivateNetwork=true
PrivateTmp=true
ProtectClock=true
ProtectControlGroups=true
ProtectHome=true
ProtectHostname=true
ProtectKernelLogs=true
ProtectKernelModules=true
ProtectKernelTunables=true
ProtectProc=invisible
ProtectSystem=strict
CapabilityBoundingSet=CAP_DAC_READ_SEARCH
IPAddressDeny=any
RestrictAddressFamilies=none
RestrictNamespaces=true
RestrictRealtime=true
RestrictSUIDSGID=true
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
`,
  };
}

function installing(manifest: string, stage: string, after: string, before: string): string {
  return `[Unit]
Description=Secrets of this host, stage ${stage}
DefaultDependencies=no
After=${after}
Before=${before} sysinit.target shutdown.target
Conflicts=shutdown.target
RequiresMountsFor=/etc/ssh/ssh_host_ed25519_key

[Service]
Type=oneshot
RemainAfterExit=yes
TimeoutStartSec=3min
SuccessExitStatus=3
ExecStart=/usr/local/bin/nixseal-agent secrets install --manifest ${manifest} --stage ${stage}
UMask=0077
LimitCORE=0
MemorySwapMax=0
NoNewPrivileges=true
KeyringMode=private
LockPersonality=true
ProtectClock=true
ProtectHostname=true
DevicePolicy=closed
RestrictNamespaces=true
RestrictRealtime=true
RestrictSUIDSGID=true
RestrictAddressFamilies=AF_UNIX
IPAddressDeny=any
SystemCallArchitectures=native
SystemCallFilter=@system-service @mount
SystemCallErrorNumber=EPERM
CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_SYS_ADMIN

[Install]
WantedBy=sysinit.target
`;
}
