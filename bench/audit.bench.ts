/** A fleet's repository of two thousand Nix files, audited by the whole program. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Benchmark } from "./figure.ts";

const count = 2000;
const runs = 3;
const program = fileURLToPath(new URL("../../bin/nixseal", import.meta.url));

function module(index: number): string {
  return `{ config, lib, pkgs, ... }:
let
  cfg = config.services.app-${index};
  inherit (lib) mkIf mkOption types;
in
{
  imports = [ ./hardware-${index}.nix ];
  options.services.app-${index}.enable = mkOption { type = types.bool; default = false; description = "Whether to run it."; };
  config = mkIf cfg.enable {
    networking.hostName = "host-${index}";
    networking.firewall.allowedTCPPorts = [ 22 80 443 ] ++ lib.optional cfg.open 8080;
    services.openssh = { enable = true; settings = { PermitRootLogin = "no"; PasswordAuthentication = ${index % 50 === 0}; }; };
    users.users.alice = { isNormalUser = true; extraGroups = [ "wheel" ]; openssh.authorizedKeys.keys = [ "ssh-ed25519 AAAA${index}" ]; };
    services.nginx.virtualHosts."app-${index}.example.org" = { forceSSL = true; locations."/".proxyPass = "http://127.0.0.1:8080"; };
    systemd.services."app-${index}" = {
      wantedBy = [ "multi-user.target" ];
      environment.CONFIG = "/etc/app-${index}.toml";
      serviceConfig = { DynamicUser = true; Restart = "on-failure"; ProtectSystem = "strict"; };
      script = ''
        set -euo pipefail
        exec \${pkgs.app}/bin/app --port 8080 --name host-${index}
      '';
    };
    nix.settings = { trusted-users = [ "root" ]; sandbox = true; substituters = [ "https://cache.nixos.org" ]; };
    environment.systemPackages = with pkgs; [ git vim htop curl ];
  };
}
`;
}

export async function bench(): Promise<Benchmark> {
  const directory = mkdtempSync(join(tmpdir(), "nixseal-bench-"));
  try {
    for (let index = 0; index < count; index++) {
      if (index % 100 === 0) mkdirSync(join(directory, `group-${index / 100}`));
      writeFileSync(
        join(directory, `group-${Math.floor(index / 100)}`, `module-${index}.nix`),
        module(index),
      );
    }
    const milliseconds = (args: readonly string[], expected: number): number =>
      Math.min(
        ...Array.from({ length: runs }, () => {
          const began = performance.now();
          const { status } = spawnSync(process.execPath, args, {
            cwd: directory,
            timeout: 60_000,
            maxBuffer: 1 << 26,
          });
          if (status !== expected) throw new Error(`${args.join(" ")} exited with ${status}`);
          return performance.now() - began;
        }),
      );
    const bare = milliseconds(["-e", "0"], 0);
    const whole = milliseconds([program, "audit", "--format", "json"], 1);
    return {
      name: `audit of ${count} Nix files`,
      figures: [
        {
          what: "whole process",
          value: whole,
          unit: "ms",
          beside: `bare node: ${Math.round(bare)} ms; below 2000 ms wanted`,
        },
      ],
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}
