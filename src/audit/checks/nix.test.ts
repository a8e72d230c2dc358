import { testFixtures } from "../../../test/support/audit.ts";
import { nixChecks } from "./nix.ts";

const token = ["ghp", "_aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY1zA2"].join("");

testFixtures(nixChecks, {
  NIX001: {
    bad: [
      "nix.settings.require-sigs = false;",
      "nix.requireSignedBinaryCaches = false;",
      "nix.settings = rec { require-sigs = no; no = false; };",
    ],
    good: ["nix.settings.require-sigs = true;"],
    unknown: ["nix.settings.require-sigs = config.x;"],
  },
  NIX002: {
    bad: [
      "nix.extraOptions = ''\n  require-sigs = false\n'';",
      'nix.extraOptions = "sandbox = relaxed";',
      `nix.extraOptions = "${" ".repeat(2000)}require-sigs =${" ".repeat(2000)}false";`,
      'nix.extraOptions = "trusted-users = root @wheel";',
    ],
    good: [
      'nix.extraOptions = "experimental-features = nix-command flakes";',
      'nix.extraOptions = "trusted-users = root";',
      'nix.extraOptions = "# require-sigs = false";',
    ],
  },
  NIX003: {
    bad: [
      'nix.settings.substituters = [ "http://cache.example.org" ];',
      { "flake.nix": '{ nixConfig.extra-substituters = [ "http://c.example.org" ]; outputs = _: { }; }' },
    ],
    good: ['nix.settings.substituters = [ "https://cache.nixos.org" "http://localhost:5000" ];'],
  },
  NIX004: {
    bad: ['nix.settings.substituters = [ "https://cache.example.org?trusted=true" ];'],
    good: ['nix.settings.substituters = [ "https://cache.example.org?priority=1" ];'],
  },
  NIX005: {
    bad: ["nix.settings.sandbox = false;", 'nix.settings.sandbox = "relaxed";', "nix.useSandbox = false;"],
    good: ["nix.settings.sandbox = true;"],
  },
  NIX006: {
    bad: ["nix.settings.accept-flake-config = true;"],
    good: ["nix.settings.accept-flake-config = false;"],
  },
  NIX007: {
    bad: [{ "flake.nix": '{ nixConfig = { extra-trusted-public-keys = [ "a:b" ]; }; outputs = _: { }; }' }],
    good: [{ "flake.nix": '{ nixConfig.commit-lock-file-summary = "x"; outputs = _: { }; }' }],
  },
  NIX008: {
    bad: ["nix.settings.allow-unsafe-native-code-during-evaluation = true;"],
    good: ["nix.settings.allow-unsafe-native-code-during-evaluation = false;"],
  },
  NIX009: {
    bad: [
      'nixpkgs.config.permittedInsecurePackages = [ "openssl-1.1.1w" ];',
      "nixpkgs.config.allowInsecurePredicate = _: true;",
    ],
    good: ["nixpkgs.config.permittedInsecurePackages = [ ];", "nixpkgs.config.allowUnfree = true;"],
  },
  NIX010: { bad: ["nix.settings.filter-syscalls = false;"], good: ["nix.settings.filter-syscalls = true;"] },
  NIX011: {
    bad: [
      'nix.buildMachines = [ { hostName = "b"; sshUser = "root"; } ];',
      'nix.buildMachines = [ { hostName = "root@b"; } ];',
    ],
    good: ['nix.buildMachines = [ { hostName = "b"; sshUser = "builder"; } ];'],
  },
  NIX012: {
    bad: [
      `nix.settings.access-tokens = { "github.com" = "${token}"; };`,
      `nix.extraOptions = "access-tokens = github.com=${token}";`,
    ],
    good: ['nix.extraOptions = "!include /run/nixseal/secrets/nix-tokens";'],
  },
  NIX013: { bad: ["system.autoUpgrade.enable = true;"], good: ["system.autoUpgrade.enable = false;"] },
});
