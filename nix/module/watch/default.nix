# Watching: docs/watch.md.
{
  imports = [
    ./options.nix
    ./units.nix
  ];
}
