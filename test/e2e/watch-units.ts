export const watchUnit = "nixseal-watch.service";

/** The units of nix/module/watch/units.nix with the paths of a test host, its restrictions included. */
export const watchUnits: Readonly<Record<string, string>> = {
  [`/etc/systemd/system/${watchUnit}`]: `[Unit]
Description=Known vulnerabilities of the running system

[Service]
Type=exec
ExecStart=/usr/local/bin/nixseal-agent watch
RuntimeMaxSec=30min
SuccessExitStatus=1
Environment=NIX_REMOTE=daemon
UMask=0022
LimitCORE=0
NoNewPrivileges=true
KeyringMode=private
LockPersonality=true
PrivateDevices=true
PrivateTmp=true
ProtectClock=true
ProtectControlGroups=true
ProtectHome=true
ProtectHostname=true
ProtectKernelLogs=true
ProtectKernelModules=true
ProtectKernelTunables=true
ProtectSystem=strict
StateDirectory=nixseal
StateDirectoryMode=0755
RuntimeDirectory=nixseal-watch
RuntimeDirectoryPreserve=true
CapabilityBoundingSet=CAP_DAC_READ_SEARCH CAP_SYS_PTRACE
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=true
RestrictRealtime=true
RestrictSUIDSGID=true
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
`,
  ...Object.fromEntries(
    ["service", "socket", "timer", "path"].map((kind) => [
      `/etc/systemd/system/${kind}.d/nixseal.conf`,
      "[Unit]\nConditionPathExists=!/var/lib/nixseal/held/%n\n",
    ]),
  ),
};

/** What a person's own systemd runs, as nix/module/watch/units.nix has it. */
export const notifyUnits: Readonly<Record<string, string>> = {
  "/etc/systemd/user/nixseal-notify.service": `[Unit]
ConditionPathExists=/var/lib/nixseal/notices.json

[Service]
Type=oneshot
ExecStart=/usr/local/bin/nixseal-agent notify
`,
  "/etc/systemd/user/nixseal-notify.path": `[Path]
PathChanged=/var/lib/nixseal/notices.json
`,
};
