# The timer and its service, as the sections of systemd's own files. Builtins only, so that they can be compared with what
# `nixseal host setup --pull` writes.
{
  # The program with its path.
  agent,
  # The gate's deploy user and its group.
  user,
  # A directory of orders that takes the receipts too, where its owner lets the deploy user write; or null.
  receipts,
  interval,
  jitter,
}:
let
  hardening = import ./hardening.nix;
in
{
  "nixseal-pull.service" = {
    Unit = {
      Description = "Look for an order for this host";
      After = [
        "network-online.target"
        "nix-daemon.socket"
      ];
      Wants = [ "network-online.target" ];
    };
    Service = hardening // {
      Type = "oneshot";
      User = user;
      Group = user;
      Environment = [ "NIX_REMOTE=daemon" ];
      ReadWritePaths = hardening.ReadWritePaths ++ (if receipts == null then [ ] else [ "-${receipts}" ]);
      ExecStart = "${agent} pull";
      TimeoutStartSec = "12h";
    };
  };

  "nixseal-pull.timer" = {
    Unit.Description = "Look for orders for this host";
    Timer = {
      OnBootSec = "1min";
      OnUnitInactiveSec = interval;
      RandomizedDelaySec = jitter;
      AccuracySec = "10s";
    };
    Install.WantedBy = [ "timers.target" ];
  };
}
