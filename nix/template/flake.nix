{
  description = "A fleet";

  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    nixseal.url = "git+https://git.example.org/nixseal";
    nixseal.inputs.nixpkgs.follows = "nixpkgs";
  };

  outputs =
    { nixpkgs, nixseal, ... }:
    {
      nixosConfigurations.lufta = nixpkgs.lib.nixosSystem {
        modules = [
          nixseal.nixosModules.default
          ./hosts/lufta.nix
          {
            nixseal.enable = true;
            nixseal.fleet = ./.;
          }
        ];
      };
    };
}
