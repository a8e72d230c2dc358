# The options of the gate. What they are for is in docs/gate.md.
{
  config,
  lib,
  ...
}:
let
  inherit (lib)
    literalExpression
    literalMD
    mkOption
    types
    ;
  cfg = config.nixseal;
  inherit (cfg) gate;
  parts = import ./parts.nix { inherit config; };
in
{
  options.nixseal.gate = {
    enable = mkOption {
      type = types.bool;
      default = false;
      example = true;
      description = "Whether nothing is to be activated here without a warrant.";
    };
    mode = mkOption {
      type = types.enum [ "warrants" "certificates" ];
      default = "warrants";
      description = "`certificates`: members with a certificate for `upload` may bring paths, and activation stays as it is. This does not stop a member from becoming root through what they upload.";
    };
    user = mkOption {
      type = types.str;
      default = "deploy";
      description = "The account that members log in to. It is made here, and can do nothing but speak to the gate.";
    };
    members = mkOption {
      type = types.listOf types.str;
      default = [ "*" ];
      example = [ "group:ops" "ci" ];
      description = "The members of fleet.toml whose keys may log in, as a selector. A login allows nothing by itself: rights are in certificates.";
    };
    loginAuthorities = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "ssh-ed25519 AAAA… logins" ];
      description = "Public keys of CAs whose login certificates are taken too, with the member's name as the principal.";
    };
    privilege = mkOption {
      type = types.enum [ "socket" "sudo" ];
      default = "socket";
      description = "How messages get to the root side: a socket of systemd, or one line of sudo.";
    };
    connections = mkOption {
      type = types.ints.between 1 1024;
      default = 16;
      description = "How many messages to the root side may be under way at once; more are refused.";
    };
    root = mkOption {
      type = types.path;
      default = cfg.fleet + "/trust/root.json";
      defaultText = literalMD "trust/root.json in the fleet";
      description = "The root that this host starts from. It follows newer ones by itself, step by step.";
    };
    upstream = mkOption {
      type = types.listOf types.str;
      default = parts.root.upstream;
      defaultText = literalMD "`upstream` of the root";
      example = [ "cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=" ];
      description = "Keys of binary caches whose paths need no warrant to be in the store. They become `nix.settings.trusted-public-keys`, and there are no others.";
    };
    health = mkOption {
      type = types.listOf (types.listOf types.str);
      default = [ ];
      example = literalExpression ''[ [ "/run/current-system/sw/bin/systemctl" "is-active" "sshd.service" ] ]'';
      description = "Commands, each as a list of words, that must succeed after a switch; else the system before is activated again.";
    };
    confirmWithin = mkOption {
      type = types.nullOr (types.ints.between 5 86400);
      default = 90;
      description = "Seconds in which the operator must confirm over a new connection, or the system before is activated again; null: no confirmation is asked for.";
    };
    quarantine.bytes = mkOption {
      type = types.ints.unsigned;
      default = 10737418240;
      description = "How much may wait in the quarantine: uploads that no warrant names yet.";
    };
    quarantine.days = mkOption {
      type = types.ints.between 1 3650;
      default = 7;
      description = "After how many days it is thrown away.";
    };
    hostKey = mkOption {
      type = types.str;
      default = "/etc/ssh/ssh_host_ed25519_key";
      description = "The host's private key, which signs receipts. Path as text.";
    };
    settings = mkOption {
      type = types.attrs;
      readOnly = true;
      description = "What is written to /etc/nixseal/gate.json.";
    };
  };

  config = lib.mkIf gate.enable { nixseal.gate = { inherit (parts) settings; }; };
}
