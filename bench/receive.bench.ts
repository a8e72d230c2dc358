import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { StorePath } from "../src/nix/store-path.ts";
import { ChrootStore, plainPath } from "../test/support/chroot-store.ts";
import { ReceivingGate } from "../test/support/receiving-gate.ts";
import type { Benchmark, Figure } from "./figure.ts";

const mebibyte = 1 << 20;
/** Paths, and one that refers to them all. A system's closure has few large ones, which are most of its bytes, and many small ones. */
const closures = [
  { paths: 100, size: 3 * mebibyte },
  { paths: 500, size: 1 << 10 },
];
type Closure = (typeof closures)[number];
const sizes = { small: 10 * mebibyte, large: 2048 * mebibyte };
/** The better of so many, by turns. */
const rounds = 2;

/**
 * Stock `nix copy` over a real sshd into a chroot store: through the gate, which hashes, quarantines, and imports by the root side, and
 * beside it into plain `nix-store --serve --write` (`nix-daemon --stdio`). Both sides of both are on this machine.
 */
export async function bench(): Promise<Benchmark> {
  const cleanups: (() => void)[] = [];
  const context = { after: (work: () => void) => void cleanups.push(work) } as unknown as TestContext;
  try {
    const gate = await ReceivingGate.make(context);
    await gate.listen(context, ["alice"]);
    const plain = new ChrootStore(gate.path("plain"));
    const peak = wrap(gate, plain);
    const figures: Figure[] = [];
    for (const closure of closures) {
      const system = addClosure(gate.builder, closure);
      for (const scheme of ["ssh", "ssh-ng"])
        figures.push(await throughput(gate, plain, scheme, system, closure));
    }
    figures.push(await memory(gate, peak));
    return { name: "receiving through the gate", figures };
  } finally {
    for (const clean of cleanups.toReversed()) clean();
  }
}

/** Lines of authorized_keys: the gate for one key, plain Nix for another; each writes its processes' largest memory to a file. */
function wrap(gate: ReceivingGate, plain: ChrootStore): () => Promise<number> {
  const log = gate.path("peak");
  gate.makeKey("login-plain");
  const env = `env PATH=${process.env["PATH"]} HOME=${plain.directory} NIX_CONF_DIR=${join(gate.paths.root, "etc/nix")}`;
  const stock = `${env} NIX_REMOTE=${plain.directory} NIX_CONFIG='require-sigs = false' sh -c \\"exec $SSH_ORIGINAL_COMMAND\\"`;
  const line = (command: string, who: string): string =>
    `restrict,command="${command}" ${readFileSync(gate.path(`login-${who}.pub`), "utf8")}`;
  writeFileSync(
    gate.path("authorized_keys"),
    line(`/usr/bin/time -f %M -o ${log} ${gate.forcedCommand("alice")}`, "alice") + line(stock, "plain"),
    { mode: 0o600 },
  );
  // The client is done before the last process here is.
  return async () => {
    while (!existsSync(log) || readFileSync(log, "utf8") === "")
      await new Promise((resolve) => setTimeout(resolve, 100));
    const peak = Number(readFileSync(log, "utf8").trim().split("\n").at(-1)) / 1024;
    rmSync(log);
    return peak;
  };
}

function addClosure(store: ChrootStore, closure: Closure): StorePath {
  const paths: StorePath[] = [];
  for (let n = 0; n < closure.paths; n++)
    paths.push(store.addFile(`path-${n}-${closure.size}`, closure.size, `${n}`));
  return store.add("system", paths.join("\n"), paths);
}

async function throughput(
  gate: ReceivingGate,
  plain: ChrootStore,
  scheme: string,
  system: StorePath,
  closure: Closure,
): Promise<Figure> {
  const envelope = await gate.warrant(system, { seq: 1, prev: null });
  const total = envelope.warrant.paths.reduce((sum, { narSize }) => sum + narSize, 0) / mebibyte;
  const copy = async (who: string): Promise<number> => {
    gate.use(who);
    const began = performance.now();
    await gate.builder.runAside("nix", "copy", "--to", `${scheme}://${gate.address}`, system);
    return (performance.now() - began) / 1000;
  };
  let [ours, theirs] = [Infinity, Infinity];
  for (let round = 0; round < rounds; round++) {
    for (const store of [gate.host, plain]) {
      for (const directory of ["nix/store", "nix/var"])
        execFileSync("rm", ["-rf", join(store.directory, directory)]);
      mkdirSync(join(store.directory, "nix/store"), { recursive: true });
    }
    rmSync(gate.paths.pending, { recursive: true, force: true });
    gate.send(envelope);
    theirs = Math.min(theirs, await copy("plain"));
    ours = Math.min(ours, await copy("alice"));
    if (!gate.host.has(system) || !plain.has(system)) throw new Error("the closure did not arrive");
  }
  const [amount, unit] = total > closure.paths ? [total, "MiB/s"] : [closure.paths, "paths/s"];
  return {
    what: `a closure of ${closure.paths} paths, ${total.toFixed(total < 10 ? 1 : 0)} MiB, nix copy --to ${scheme}://`,
    value: amount / ours,
    unit,
    beside: `without the gate: ${Math.round(amount / theirs)} ${unit}`,
    ratio: theirs / ours,
  };
}

async function memory(gate: ReceivingGate, peak: () => Promise<number>): Promise<Figure> {
  const measured: Record<string, number> = {};
  gate.use("alice");
  await peak(); // of the copies before
  for (const [name, size] of Object.entries(sizes)) {
    const path = gate.builder.addFile(name, size, name);
    await gate.offer(path, { seq: 1, prev: null });
    await gate.builder.runAside("nix", "copy", "--to", `ssh://${gate.address}`, path);
    measured[name] = await peak();
    execFileSync("rm", ["-rf", gate.builder.at(path), gate.host.at(plainPath(name))]);
  }
  return {
    what: `largest process for a NAR of ${sizes.large / mebibyte} MiB`,
    value: measured["large"]!,
    unit: "MiB",
    beside: `for one of ${sizes.small / mebibyte} MiB: ${Math.round(measured["small"]!)} MiB`,
    ratio: measured["large"]! / measured["small"]!,
  };
}
