# What the unit that tells of a failed secret may not do. It reads one file below /run/nixseal.
{
  UMask = "0077";
  LimitCORE = 0;
  NoNewPrivileges = true;
  KeyringMode = "private";
  LockPersonality = true;
  PrivateDevices = true;
  PrivateNetwork = true;
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
  CapabilityBoundingSet = [ "CAP_DAC_READ_SEARCH" ];
  IPAddressDeny = "any";
  RestrictAddressFamilies = "none";
  RestrictNamespaces = true;
  RestrictRealtime = true;
  RestrictSUIDSGID = true;
  SystemCallArchitectures = "native";
  SystemCallFilter = [ "@system-service" ];
  SystemCallErrorNumber = "EPERM";
}
