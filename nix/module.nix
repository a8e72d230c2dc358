# NixOS module: the host's secrets from fleet.toml, installed at boot and on every switch.
# docs/nixos-module.md describes it.
{
  imports = [
    ./module/options.nix
    ./module/manifest.nix
    ./module/units.nix
    ./module/activation.nix
    ./module/consumers.nix
    ./module/checks.nix
    ./module/watch
  ];
}
