/** What no unit of the gate may do. The same settings as in nix/module/gate/hardening.nix and nix/module/pull/hardening.nix. */
export const hardening = {
  LimitCORE: 0,
  NoNewPrivileges: true,
  KeyringMode: "private",
  LockPersonality: true,
  // No MemoryDenyWriteExecute=: Node compiles at run time.
  PrivateDevices: true,
  PrivateMounts: true,
  PrivateTmp: true,
  ProtectClock: true,
  ProtectControlGroups: true,
  ProtectHome: true,
  ProtectHostname: true,
  ProtectKernelLogs: true,
  ProtectKernelModules: true,
  ProtectKernelTunables: true,
  ProtectProc: "invisible",
  // The store itself stays read-only: what gets in there goes through the daemon.
  ProtectSystem: "strict",
  RestrictNamespaces: true,
  RestrictRealtime: true,
  RestrictSUIDSGID: true,
  SystemCallArchitectures: "native",
  SystemCallFilter: ["@system-service"],
  SystemCallErrorNumber: "EPERM",
  MemoryMax: "1G",
  OOMScoreAdjust: 500,
} as const;
