{
  description = "The security plane of a NixOS fleet";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";

  outputs =
    { self, nixpkgs }:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      eachSystem =
        make: nixpkgs.lib.genAttrs systems (system: make nixpkgs.legacyPackages.${system});
    in
    {
      # readFleet, manifest, manifestJson, …: see nix/lib.nix. Needs no nixpkgs.
      lib = import ./nix/lib.nix;

      packages = eachSystem (
        pkgs:
        let
          nixseal = pkgs.callPackage ./nix/package.nix { };
        in
        {
          default = nixseal;
          inherit nixseal;
          nixseal-agent = nixseal.agent;
        }
      );

      overlays.default = final: _: {
        nixseal = final.callPackage ./nix/package.nix { };
      };

      nixosModules.default = import ./nix/module.nix;

      templates.default = {
        path = ./nix/template;
        description = "A first fleet: one host, one secret";
      };

      checks = eachSystem (pkgs: {
        package = self.packages.${pkgs.stdenv.hostPlatform.system}.default;
        # A host from the module, with real nixpkgs: what gets into its closure is built and checked.
        manifest =
          (nixpkgs.lib.nixosSystem {
            modules = [
              self.nixosModules.default
              ./nix/example/host.nix
              { nixpkgs.hostPlatform = pkgs.stdenv.hostPlatform.system; }
            ];
          }).config.nixseal.manifest;
      });

      formatter = eachSystem (pkgs: pkgs.nixfmt);
    };
}
