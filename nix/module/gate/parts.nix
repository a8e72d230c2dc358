# What several files of the gate need: the fleet and the root as they are read, and what follows from them and the options.
{ config }:
let
  inherit (builtins) fromJSON readFile;
  cfg = config.nixseal;
  inherit (cfg) gate;
  nixseal = import ../../lib.nix;
  text = import ../../fleet/text.nix;
  fleet = nixseal.readFleet cfg.fleet;
  agent = "${cfg.package}/bin/nixseal-agent";
in
rec {
  inherit fleet agent;
  keysFile = "/etc/nixseal/authorized_keys";
  # What the signatures are worth is for the gate to say. Here the root tells only which caches are believed.
  root = fromJSON (
    import ../../fleet/base64.nix "${toString gate.root}: payload" (fromJSON (readFile gate.root)).payload
  );
  units = import ./units.nix {
    inherit agent;
    inherit (gate) user connections;
  };
  keys = import ./keys.nix {
    inherit agent;
    members = nixseal.membersOf fleet "nixseal.gate.members" gate.members;
    authorities = map (text.keyLine "nixseal.gate.loginAuthorities") gate.loginAuthorities;
  };
  # /etc/nixseal/gate.json, see src/gate/config.ts.
  settings = {
    v = 1;
    inherit (root) fleet;
    inherit (cfg) host;
    tags = (nixseal.hostOf fleet cfg.host).labels;
    storeDirectory = builtins.storeDir;
    store = null;
    inherit (gate)
      user
      mode
      upstream
      health
      hostKey
      ;
    root = "/etc/nixseal/root.json";
    confirm = if gate.confirmWithin == null then null else { within = gate.confirmWithin; };
    quarantine = { inherit (gate.quarantine) bytes days; };
    profile = "/nix/var/nix/profiles/system";
  };
}
