# NixOS module: the host's secrets from fleet.toml, installed at boot and on every switch, and the gate, without whose
# consent nothing is activated. docs/nixos-module.md and docs/gate.md describe them.
{
  imports = [
    ./module/options.nix
    ./module/manifest.nix
    ./module/units.nix
    ./module/activation.nix
    ./module/consumers.nix
    ./module/checks.nix
    ./module/gate/options.nix
    ./module/gate/host.nix
    ./module/gate/checks.nix
    ./module/gate/sudo.nix
    ./module/pull/options.nix
    ./module/pull/host.nix
    ./module/watch
  ];
}
