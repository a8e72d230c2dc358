# What the unit that watches may not do. Processes of other users are looked at for what they run (CAP_SYS_PTRACE);
# units are stopped by asking systemd, the store is read by asking Nix.
{
  UMask = "0022";
  LimitCORE = 0;
  NoNewPrivileges = true;
  KeyringMode = "private";
  LockPersonality = true;
  PrivateDevices = true;
  PrivateTmp = true;
  ProtectClock = true;
  ProtectControlGroups = true;
  ProtectHome = true;
  ProtectHostname = true;
  ProtectKernelLogs = true;
  ProtectKernelModules = true;
  ProtectKernelTunables = true;
  ProtectSystem = "strict";
  StateDirectory = "nixseal";
  StateDirectoryMode = "0755";
  RuntimeDirectory = "nixseal-watch";
  RuntimeDirectoryPreserve = true;
  CapabilityBoundingSet = [
    "CAP_DAC_READ_SEARCH"
    "CAP_SYS_PTRACE"
  ];
  RestrictAddressFamilies = [
    "AF_UNIX"
    "AF_INET"
    "AF_INET6"
  ];
  RestrictNamespaces = true;
  RestrictRealtime = true;
  RestrictSUIDSGID = true;
  SystemCallArchitectures = "native";
  SystemCallFilter = [ "@system-service" ];
  SystemCallErrorNumber = "EPERM";
}
