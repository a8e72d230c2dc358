import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseNix } from "../src/audit/nix-language/parser.ts";
import type { Benchmark } from "./figure.ts";

/** What a module of a configuration looks like: options, strings of both kinds, paths, lists, comments. */
function module(index: number): string {
  return `  # module ${index}: a service behind a proxy
  ({ config, lib, pkgs, ... }@args:
  let
    cfg = config.services.app-${index};
    port = ${8000 + (index % 1000)};
    inherit (lib) mkIf mkOption types;
  in {
    imports = [ ./hardware-${index}.nix ../common/\${args.name}.nix <nixpkgs/nixos> ];
    options.services.app-${index}.enable = mkOption { type = types.bool; default = false; description = "Whether to run it."; };
    config = mkIf (cfg.enable && !(config ? disabled) || port > 1024) {
      networking.firewall.allowedTCPPorts = [ 22 80 443 ] ++ lib.optional (cfg.open or false) port;
      services.nginx.virtualHosts."app-${index}.example.org" = { forceSSL = true; locations."/".proxyPass = "http://127.0.0.1:\${toString port}"; };
      systemd.services."app-${index}" = {
        wantedBy = [ "multi-user.target" ];
        serviceConfig = { DynamicUser = true; Restart = "on-failure"; MemoryMax = "512M"; } // (if cfg.hard then { ProtectSystem = "strict"; } else { });
        script = ''
          set -euo pipefail
          export HOME=\${cfg.home}
          if [ ! -e "$HOME/ready" ]; then
            \${pkgs.coreutils}/bin/touch "$HOME/ready"   # \${"once"}
          fi
          exec \${pkgs.app}/bin/app --port \${toString port} --name ''\${NAME}
        '';
      };
    };
  })
`;
}

const rounds = 3;

function secondsOf(work: () => void): number {
  const began = performance.now();
  work();
  return (performance.now() - began) / 1000;
}

function best(work: () => void): number {
  return Math.min(...Array.from({ length: rounds }, () => secondsOf(work)));
}

export async function bench(): Promise<Benchmark> {
  const directory = mkdtempSync(join(tmpdir(), "nixseal-bench-"));
  try {
    const modules = Array.from({ length: 3000 }, (_, index) => module(index)).join("");
    const source = Buffer.from(`[\n${modules}]\n`);
    const megabytes = source.length / 1e6;
    const file = join(directory, "modules.nix");
    writeFileSync(file, source);
    const nix = (input: string): void => {
      const { status, error } = spawnSync("nix-instantiate", ["--parse", input], {
        stdio: ["ignore", "ignore", "ignore"],
        timeout: 60_000,
      });
      if (error !== undefined) throw error;
      if (status !== 0) throw new Error(`nix-instantiate: exit code ${status}`);
    };
    const empty = join(directory, "empty.nix");
    writeFileSync(empty, "1\n");
    const cold = secondsOf(() => parseNix(source));
    const ours = megabytes / best(() => parseNix(source));
    const starting = best(() => nix(empty));
    const theirs = megabytes / (best(() => nix(file)) - starting);
    const beside = `nix-instantiate --parse, without its start: ${theirs.toFixed(1)} MB/s; it also prints`;
    return {
      name: `Nix source, ${megabytes.toFixed(1)} MB of modules`,
      figures: [
        { what: "parse", value: ours, unit: "MB/s", beside, ratio: ours / theirs },
        { what: "parse, the first time", value: megabytes / cold, unit: "MB/s", beside: "target: 5 MB/s" },
      ],
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}
