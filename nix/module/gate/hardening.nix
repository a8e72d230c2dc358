# What the root side of the gate may not do. It takes one small message, talks to the Nix daemon and to systemd, and keeps its
# state; whatever a new system does when it is switched to runs in a unit of its own, outside of this one.
#
# No MemoryDenyWriteExecute=: Node compiles at run time.
{
  UMask = "0022";
  LimitCORE = 0;
  NoNewPrivileges = true;
  KeyringMode = "private";
  LockPersonality = true;
  PrivateDevices = true;
  PrivateMounts = true;
  PrivateTmp = true;
  ProtectClock = true;
  ProtectControlGroups = true;
  ProtectHome = true;
  ProtectHostname = true;
  ProtectKernelLogs = true;
  ProtectKernelModules = true;
  ProtectKernelTunables = true;
  ProtectProc = "invisible";
  # The store itself stays read-only: what gets in there goes through the daemon.
  ProtectSystem = "strict";
  ReadWritePaths = [
    "/nix/var/nix/gcroots"
    "/nix/var/nix/profiles"
  ];
  RestrictNamespaces = true;
  RestrictRealtime = true;
  RestrictSUIDSGID = true;
  # The daemon's socket and the system's bus; nothing goes out.
  RestrictAddressFamilies = [ "AF_UNIX" ];
  IPAddressDeny = "any";
  SystemCallArchitectures = "native";
  SystemCallFilter = [ "@system-service" ];
  SystemCallErrorNumber = "EPERM";
  CapabilityBoundingSet = [
    # The quarantine belongs to the deploy user; what was imported is removed there.
    "CAP_DAC_OVERRIDE"
    "CAP_DAC_READ_SEARCH"
  ];
  # Node needs few threads; one warrant with 50,000 paths needs the memory.
  TasksMax = 64;
  MemoryMax = "1G";
  OOMScoreAdjust = 500;
}
