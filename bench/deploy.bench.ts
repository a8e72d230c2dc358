import type { StorePath } from "../src/nix/store-path.ts";
import { DeployFleet } from "./deploy-fleet.ts";
import { quietFigures, rolloutFigures, type Measured } from "./deploy-figures.ts";
import type { Benchmark } from "./figure.ts";
import { childrenSeconds, costOf, type Cost } from "./process-cost.ts";

/** `NIXSEAL_BENCH_HOSTS` for a shorter look. */
const hosts = Number(process.env["NIXSEAL_BENCH_HOSTS"] ?? 200);
const quiet = Math.min(50, hosts);
/** Hosts of the serial loop, which takes as long for each. */
const serial = Math.min(20, hosts);
const parallel = 16;
const closure = { paths: 1, bytes: 4 << 20 };
/** Milliseconds between two looks at how far it is. */
const pause = 5000;

/**
 * A fleet of real sshd on loopback, each host with a key, an address, a gate and a chroot store of its own. Here the hosts' work is
 * done by this machine too: what is the operator's is told apart.
 */
export async function bench(): Promise<Benchmark> {
  const fleet = await DeployFleet.make(hosts);
  try {
    const [stock, systems] = [
      await fleet.addSystems("stock", closure),
      await fleet.addSystems("new", closure),
    ];
    const loop = await stockLoop(fleet, stock);
    const all = await deploy(fleet, systems, fleet.names);
    const look = await stockLook(fleet);
    const again = await deploy(fleet, systems, fleet.names.slice(0, quiet));
    return {
      name: `deployment to ${hosts} hosts with sshd and gate on this machine, ${parallel} at once`,
      figures: [...rolloutFigures(all, loop), ...quietFigures(again, look)],
    };
  } finally {
    fleet.close();
  }
}

async function measured(
  fleet: DeployFleet,
  names: readonly string[],
  work: () => Promise<Cost>,
): Promise<Measured> {
  const before = new Map(fleet.sshd.connections);
  const began = childrenSeconds();
  const cost = await work();
  const counts = names.map((name) => fleet.sshd.connections.get(name)! - before.get(name)!);
  return {
    ...cost,
    hosts: names.length,
    connections: counts.reduce((sum, one) => sum + one, 0),
    mostConnections: Math.max(...counts),
    remote: childrenSeconds() - began - cost.all,
  };
}

function deploy(
  fleet: DeployFleet,
  systems: ReadonlyMap<string, StorePath>,
  names: readonly string[],
): Promise<Measured> {
  const flags = `--yes --parallel ${parallel} --canary 0 --wave 100 --store ${fleet.builder.directory}`;
  const words = [
    "deploy",
    "apply",
    "--identity",
    fleet.keyOf("alice"),
    ...flags.split(" "),
    ...names.flatMap((name) => ["--toplevel", `${name}=${systems.get(name)!}`]),
    ...names,
  ];
  const count = (): number => names.filter((name) => fleet.running(name) === systems.get(name)).length;
  return measured(fleet, names, async () => {
    // Said on stderr, since it takes minutes.
    const timer = setInterval(() => process.stderr.write(`${count()} of ${names.length}\r`), pause);
    const cost = await fleet.cost(words);
    clearInterval(timer);
    if (cost.code !== 0 || count() < names.length)
      throw new Error(`exit ${cost.code}, ${count()} deployed\n${cost.stdout}${cost.stderr}`);
    return cost;
  });
}

/** The serial loop of a shell script: what stock tools do with no gate on the other side. */
function stockLoop(fleet: DeployFleet, systems: ReadonlyMap<string, StorePath>): Promise<Measured> {
  const names = fleet.names.slice(0, serial);
  return measured(fleet, names, async () => {
    const costs: Cost[] = [];
    for (const name of names) {
      const [toplevel, address] = [systems.get(name)!, fleet.addressOf(name)];
      const root = fleet.rootOf(name);
      const options = fleet.stockOptions(name);
      const env = { ...fleet.env, NIX_REMOTE: fleet.builder.directory, NIX_SSHOPTS: options.join(" ") };
      const remote = `nix-env -p ${root}/nix/var/nix/profiles/stock --set ${toplevel} && ${root}${toplevel}/bin/switch-to-configuration switch`;
      for (const command of [
        ["nix-copy-closure", "--to", address, toplevel],
        ["ssh", ...options, address, remote],
      ] as const)
        costs.push(await stockCommand(fleet, command, env));
      if (fleet.running(name) !== toplevel) throw new Error(`${name} does not run ${toplevel}`);
    }
    return sumOf(costs);
  });
}

function stockLook(fleet: DeployFleet): Promise<Measured> {
  const names = fleet.names.slice(0, quiet);
  return measured(fleet, names, async () => {
    const costs: Cost[] = [];
    for (const name of names) {
      const link = `readlink ${fleet.rootOf(name)}/run/current-system`;
      const words = [...fleet.stockOptions(name), fleet.addressOf(name), link];
      costs.push(await stockCommand(fleet, ["ssh", ...words], fleet.env));
    }
    return sumOf(costs);
  });
}

async function stockCommand(
  fleet: DeployFleet,
  command: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
): Promise<Cost> {
  const cost = await costOf(command, { cwd: fleet.directory, env }, { mark: fleet.directory, programs: [] });
  if (cost.code !== 0) throw new Error(`${command.join(" ")}: exit ${cost.code}\n${cost.stderr}`);
  return cost;
}

function sumOf(costs: readonly Cost[]): Cost {
  const sum = (of: (cost: Cost) => number): number => costs.reduce((total, one) => total + of(one), 0);
  return {
    seconds: sum(({ seconds }) => seconds),
    all: sum(({ all }) => all),
    own: null,
    beside: new Map(),
    code: 0,
    stdout: "",
    stderr: "",
  };
}
