# The gate's units, as the sections of systemd's own files. Builtins only, so that they can be compared with what
# `nixseal host setup` writes.
{
  # The program with its path.
  agent,
  # The deploy user and its group.
  user,
  # How many messages to the root side may be under way at once.
  connections,
}:
let
  state = {
    StateDirectory = "nixseal/gate";
    StateDirectoryMode = "0755";
  };
  root = import ./hardening.nix // state // {
    # Through the daemon even as root: the store is read-only here.
    Environment = [ "NIX_REMOTE=daemon" ];
  };
in
{
  "nixseal-gate.socket" = {
    Unit.Description = "Messages to the gate";
    Socket = {
      ListenStream = "/run/nixseal-gate.sock";
      Accept = true;
      SocketUser = "root";
      SocketGroup = user;
      SocketMode = "0660";
      MaxConnections = connections;
      MaxConnectionsPerSource = connections;
      # The default ends the socket for good after 200 connections in 2 seconds: the deploy user could close the gate.
      # What is more than MaxConnections is refused, and that is all.
      TriggerLimitIntervalSec = 0;
      # systemd 255 and later accepts 150 in 2 seconds (PollLimitBurst). With the kernel's own 4096, those who come after a flood
      # stand behind it for a minute; these it accepts at one go.
      Backlog = 128;
    };
    Install.WantedBy = [ "sockets.target" ];
  };

  "nixseal-gate@.service" = {
    Unit = {
      Description = "One message to the gate (%i)";
      # Failed instances would pile up in the system manager.
      CollectMode = "inactive-or-failed";
    };
    Service = root // {
      ExecStart = "${agent} activate --peer %i";
      StandardInput = "socket";
      StandardOutput = "socket";
      StandardError = "journal";
      RuntimeMaxSec = "2h";
    };
  };

  # A system that was switched to and never confirmed: after a power cut, or when the program that waited was killed.
  "nixseal-gate-recover.service" = {
    Unit = {
      Description = "Return from an activation that nobody confirmed";
      ConditionPathExists = "/var/lib/nixseal/gate/activation.json";
      After = [ "nix-daemon.socket" ];
      Wants = [ "nix-daemon.socket" ];
    };
    Service = root // {
      Type = "oneshot";
      ExecStart = "${agent} activate --recover";
      TimeoutStartSec = "2h";
    };
    Install.WantedBy = [ "multi-user.target" ];
  };
}
