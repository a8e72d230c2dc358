# What the units that install secrets may not do.
#
# No option that gives the unit a mount namespace of its own (ProtectSystem=, PrivateTmp=, ...): the memory file system
# that the agent mounts on /run/nixseal would stay in there. No MemoryDenyWriteExecute=: Node compiles at run time.
{
  UMask = "0077";
  LimitCORE = 0;
  MemorySwapMax = 0;
  NoNewPrivileges = true;
  KeyringMode = "private";
  LockPersonality = true;
  ProtectClock = true;
  ProtectHostname = true;
  DevicePolicy = "closed";
  RestrictNamespaces = true;
  RestrictRealtime = true;
  RestrictSUIDSGID = true;
  # The system's bus and the name service; nothing goes out.
  RestrictAddressFamilies = [ "AF_UNIX" ];
  IPAddressDeny = "any";
  SystemCallArchitectures = "native";
  SystemCallFilter = [
    "@system-service"
    "@mount"
  ];
  SystemCallErrorNumber = "EPERM";
  CapabilityBoundingSet = [
    "CAP_CHOWN"
    "CAP_DAC_OVERRIDE"
    "CAP_DAC_READ_SEARCH"
    "CAP_FOWNER"
    "CAP_SYS_ADMIN" # mount
  ];
}
