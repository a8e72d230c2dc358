import { DeployFleet } from "./deploy-fleet.ts";
import type { Benchmark } from "./figure.ts";
import { costOf } from "./process-cost.ts";

const hosts = 50;
/** As many paths as a small NixOS server has. */
const closure = { paths: 2000, bytes: 4096 };

/** What the operator's machine does alone: orders for hosts that are switched off, whose systems have real sizes. */
export async function bench(): Promise<Benchmark> {
  const fleet = await DeployFleet.make(hosts);
  try {
    fleet.sshd.close();
    const systems = await fleet.addSystems("new", closure);
    const place = ["--store", fleet.builder.directory];
    const words = [...systems].flatMap(([name, path]) => ["--toplevel", `${name}=${path}`]);
    const identity = ["--identity", fleet.keyOf("alice")];
    const plan = await fleet.cost(["deploy", "plan", ...identity, ...place, ...words, ...fleet.names]);
    if (plan.code !== 0) throw new Error(plan.stderr);
    const nix = await costOf(
      ["nix", "path-info", "--json", "--recursive", ...place, ...systems.values()],
      { cwd: fleet.directory, env: fleet.env },
      { mark: fleet.directory, programs: [] },
    );
    const { own, seconds, all } = plan;
    return {
      name: `orders for ${hosts} hosts of ${closure.paths} paths each, all switched off`,
      figures: [
        {
          what: "nixseal deploy plan",
          value: seconds,
          unit: "s",
          beside: `nix path-info of all: ${nix.seconds.toFixed(1)} s`,
        },
        {
          what: "processor time a host, with all programs",
          value: (all / hosts) * 1000,
          unit: "ms",
          beside: `nix path-info of all: ${((nix.all / hosts) * 1000).toFixed(0)} ms`,
        },
        {
          what: "memory",
          value: own!.megabytes,
          unit: "MB",
          beside: `nix path-info --json says ${(nix.stdout.length / 1e6).toFixed(1)} MB`,
        },
      ],
    };
  } finally {
    fleet.close();
  }
}
