{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-24.11";
  inputs.tools.url = "http://tools.example.org/archive.tar.gz";

  outputs =
    { nixpkgs, ... }:
    {
      nixosConfigurations.web = nixpkgs.lib.nixosSystem { modules = [ ./hosts/web.nix ]; };
    };
}
