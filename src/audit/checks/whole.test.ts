import { testFixtures } from "../../../test/support/audit.ts";
import { wholeChecks } from "./whole.ts";

const flake = '{\n  inputs.nixpkgs.url = "github:NixOS/nixpkgs";\n  outputs = { nixpkgs, ... }: { };\n}\n';
const lock = (name: string): string =>
  JSON.stringify({
    nodes: { [name]: { locked: { type: "path", path: "/x" } }, root: { inputs: { [name]: name } } },
    root: "root",
    version: 7,
  });
const disk = 'fileSystems."/" = { device = "/dev/sda1"; fsType = "ext4"; };';

testFixtures(wholeChecks, {
  LCK009: {
    bad: [{ "flake.nix": flake }],
    good: [
      { "flake.nix": flake, "flake.lock": lock("nixpkgs") },
      { "flake.nix": "{ outputs = _: { }; }" },
      { "x.nix": "1" },
    ],
  },
  LCK010: {
    bad: [{ "flake.nix": flake, "flake.lock": lock("other") }],
    good: [{ "flake.nix": flake, "flake.lock": lock("nixpkgs") }],
  },
  NIX014: {
    bad: [
      'users.users.alice.isNormalUser = true; nix.settings.trusted-public-keys = [ "cache.nixos.org-1:x" "alice-1:y" ];',
      {
        "fleet.toml": "[members.bob]\n",
        "x.nix": '{ nix.settings.trusted-public-keys = [ "bob@laptop:y" ]; }',
      },
    ],
    good: [
      'users.users.alice.isNormalUser = true; nix.settings.trusted-public-keys = [ "cache.nixos.org-1:x" ];',
      'nix.settings.trusted-public-keys = [ "alice-1:y" ];',
    ],
  },
  HST015: {
    bad: [disk],
    good: [
      `${disk} boot.initrd.luks.devices.root.device = "/dev/sda2";`,
      'fileSystems."/" = { device = "/dev/mapper/root"; };',
      "services.openssh.enable = true;",
    ],
  },
  HST016: {
    bad: ["boot.loader.systemd-boot.enable = true;"],
    good: [
      "boot.loader.systemd-boot.enable = true; boot.lanzaboote.enable = true;",
      "boot.loader.systemd-boot.enable = false;",
    ],
  },
  // The source alone cannot tell that no module from elsewhere turns it on: unknown is the worst that it says.
  HST017: {
    bad: [],
    good: [
      'system.stateVersion = "25.11"; security.apparmor.enable = true;',
      "services.openssh.enable = true;",
    ],
    unknown: ['system.stateVersion = "25.11";'],
  },
});
