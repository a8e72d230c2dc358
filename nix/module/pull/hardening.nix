# What the side that reads strangers' bytes may not do. It asks the network, the Nix daemon and the gate's socket, and writes the
# quarantine.
#
# No MemoryDenyWriteExecute=: Node compiles at run time.
{
  UMask = "0077";
  LimitCORE = 0;
  CapabilityBoundingSet = [ "" ];
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
  ProtectSystem = "strict";
  ReadWritePaths = [ "/var/lib/nixseal/gate/quarantine" ];
  RemoveIPC = true;
  RestrictAddressFamilies = [
    "AF_INET"
    "AF_INET6"
    "AF_UNIX"
  ];
  RestrictNamespaces = true;
  RestrictRealtime = true;
  RestrictSUIDSGID = true;
  SystemCallArchitectures = "native";
  SystemCallFilter = [ "@system-service" ];
  SystemCallErrorNumber = "EPERM";
  TasksMax = 256;
  MemoryMax = "1G";
  OOMScoreAdjust = 500;
}
