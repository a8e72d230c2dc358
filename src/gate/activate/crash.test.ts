import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import {
  Death,
  fullDisk,
  Killed,
  quickFiles,
  quickPrograms,
  type Moment,
} from "../../../test/support/gate-faults.ts";
import { GateHost } from "../../../test/support/gate-host.ts";
import { alice } from "../../../test/support/warrants.ts";
import { NixsealError } from "../../core/errors.ts";
import { signMessage } from "../../ssh/signer.ts";
import type { WarrantEnvelope } from "../../trust/warrant/envelope.ts";
import type { GateResult } from "../answer.ts";
import { readGuard } from "../guard.ts";
import { confirmationText, confirmNamespace } from "../message.ts";
import { readKnowledge } from "../state.ts";
import { activate } from "./activate.ts";
import { readActivation } from "./activation.ts";
import { confirm } from "./confirm.ts";
import type { Gate } from "./gate.ts";
import { offer } from "./offer.ts";
import { settle } from "./recover.ts";

interface Scenario {
  readonly config: object;
  readonly fail?: (host: GateHost) => void;
  /** What happens before the part that is cut short. */
  readonly before?: (host: GateHost, envelope: WarrantEnvelope) => Promise<unknown>;
  readonly run: (host: GateHost, envelope: WarrantEnvelope) => Promise<GateResult>;
  /** Where everything is in the end when nothing is cut short. */
  readonly end: "old" | "new";
}

const switchTo = (gate: Gate, { digest }: WarrantEnvelope): Promise<GateResult> =>
  activate(gate, {
    kind: "activate",
    warrant: digest,
    action: "switch",
    rehash: false,
    fence: null,
    log: null,
  });

/** The process that asks for the confirmation is killed then. */
async function untilAsked(host: GateHost, envelope: WarrantEnvelope): Promise<void> {
  const gate = host.gate();
  const say: Gate["say"] = async (step) => {
    if (step === "confirm") throw new Killed();
  };
  await assert.rejects(switchTo({ ...gate, say }, envelope), Killed);
}

async function confirmIt(host: GateHost): Promise<GateResult> {
  const { nonce, warrant } = (await readActivation(host.gate().files, host.paths))!;
  const text = confirmationText({ fleet: "test", host: "web", warrant: warrant!, nonce: nonce! });
  const signature = await signMessage(text, confirmNamespace, alice);
  return confirm(host.gate(), { kind: "confirm", nonce: nonce!, signature, fence: null });
}

const scenarios: Record<string, Scenario> = {
  "a switch": { config: { confirm: null }, run: (host, order) => switchTo(host.gate(), order), end: "new" },
  "a confirmation": { config: {}, before: untilAsked, run: confirmIt, end: "new" },
  "a switch to a system that is not healthy": {
    config: { confirm: null },
    fail: (host) => host.behave("new", "test", "2"),
    run: (host, order) => switchTo(host.gate(), order),
    end: "old",
  },
  "a switch whose boot loader fails": {
    config: { confirm: null },
    fail: (host) => host.behave("new", "boot", "1"),
    run: (host, order) => switchTo(host.gate(), order),
    end: "old",
  },
};

/** Hosts that are alike, one after the other: the first is kept as it was, and laid over what the last has become. */
class Sweep {
  readonly host: GateHost;
  readonly order: WarrantEnvelope;
  readonly #copy: string;
  readonly #closure: string;

  private constructor(host: GateHost, order: WarrantEnvelope, copy: string) {
    this.host = host;
    this.order = order;
    this.#copy = copy;
    const options = ["--extra-experimental-features", "nix-command", "--json", "--recursive"];
    this.#closure = host.nix("nix", "path-info", ...options, host.new);
  }

  static async of(t: TestContext, { config, fail }: Scenario): Promise<Sweep> {
    const host = await GateHost.make(t, config);
    const order = await host.warrant();
    await offer(host.gate(), { kind: "offer", warrant: order, between: [], status: null });
    fail?.(host);
    const copy = `${host.root}.copy`;
    t.after(() => fs.rmSync(copy, { recursive: true, force: true }));
    assert.equal(spawnSync("cp", ["-a", host.root, copy]).status, 0);
    return new Sweep(host, order, copy);
  }

  reset(programs: "quick" | "real"): void {
    const { host } = this;
    for (const name of changing) {
      fs.rmSync(join(host.root, name), { recursive: true, force: true });
      const former = join(this.#copy, name);
      const asTheyAre = { recursive: true, verbatimSymlinks: true } as const;
      if (fs.existsSync(former)) fs.cpSync(former, join(host.root, name), asTheyAre);
    }
    host.boot = "first-boot";
    this.heal(programs);
  }

  /** The next process is not struck by what struck the last. */
  heal(programs: "quick" | "real"): void {
    const { host } = this;
    host.files = programs === "quick" ? quickFiles : (files) => files;
    host.processes = programs === "quick" ? () => quickPrograms(host, this.#closure) : (real) => real;
  }
}

/** All but the store and its database, which an activation leaves alone. */
const changing = [
  "var",
  "run",
  "behaviour",
  "nix/var/nix/profiles",
  "nix/var/nix/gcroots",
  "boot",
  "services",
  "log",
];

/** Old or new, never neither, and the state files are whole. */
async function assertWhole({ host }: Sweep, what: string): Promise<string> {
  const { files } = host.gate();
  const state = host.state();
  const names = new Set(Object.values(state));
  assert.equal(names.size, 1, `${what}: ${JSON.stringify(state)}`);
  assert.equal(await readActivation(files, host.paths), null, what);
  await readKnowledge(files, host.paths, host.config);
  await readGuard(files, host.paths);
  return state.services;
}

async function cutShort(
  sweep: Sweep,
  { before, run, end }: Scenario,
  at: number,
  moment: Moment,
  restart: boolean,
  programs: "quick" | "real",
): Promise<"cut short" | "done"> {
  const { host, order } = sweep;
  const what = `killed ${moment} effect ${at}${restart ? ", restarted" : ""}`;
  sweep.reset(programs);
  await before?.(host, order);
  const death = new Death(at, moment);
  death.inflict(host);
  const killed = await run(host, order).then(
    () => false,
    (error: unknown) => {
      if (error instanceof Killed) return true;
      throw error;
    },
  );
  sweep.heal(programs);
  if (restart) host.restart();
  await settle(host.gate());
  const where = await assertWhole(sweep, what);
  if (!killed) assert.equal(where, end, what);
  if (end === "old") assert.equal(where, "old", what);
  if (at % 3 !== 0) return killed ? "cut short" : "done";
  // And the host goes on working: the same order, once more.
  for (const name of ["new-test", "new-boot"]) fs.rmSync(join(host.root, "behaviour", name), { force: true });
  await offer(host.gate(), { kind: "offer", warrant: order, between: [], status: null });
  const again = await switchTo(host.gate({ config: { ...host.config, confirm: null } }), order);
  assert.ok(again.ok, `${what}, then once more: ${JSON.stringify(again)}`);
  assert.equal(await assertWhole(sweep, `${what}, then once more`), "new");
  return killed ? "cut short" : "done";
}

suite("killed at every effect, and in the midst of every switch", () => {
  for (const [name, scenario] of Object.entries(scenarios))
    for (const restart of [false, true])
      test(`${name}, ${restart ? "the machine restarts" : "the machine goes on"}`, async (t) => {
        const sweep = await Sweep.of(t, scenario);
        let points = 0;
        for (const moment of ["before", "after", "half"] as const)
          for (let at = 1; ; at++, points++)
            if ((await cutShort(sweep, scenario, at, moment, restart, "quick")) === "done") break;
        t.diagnostic(`${points} points`);
        assert.ok(points > 30, `only ${points} points`);
      });
});

test("killed at every effect, with real Nix and real scripts", async (t) => {
  const scenario = scenarios["a switch"]!;
  const sweep = await Sweep.of(t, scenario);
  for (let at = 1; ; at++)
    if ((await cutShort(sweep, scenario, at, "after", at % 2 === 0, "real")) === "done") break;
});

suite("a disk that is full at every write", () => {
  for (const [name, { run, before, end, ...scenario }] of Object.entries(scenarios))
    for (const forEver of [false, true])
      test(`${name}, ${forEver ? "and stays so" : "once"}`, async (t) => {
        const sweep = await Sweep.of(t, { run, end, ...scenario });
        const { host, order } = sweep;
        for (let at = 1; ; at++) {
          sweep.reset("quick");
          await before?.(host, order);
          const { writes } = fullDisk(host, at, forEver);
          const outcome = await run(host, order).catch((error: unknown) => {
            if (error instanceof NixsealError) return error;
            throw error;
          });
          const isDone = writes() < at;
          const state = host.state();
          // Whatever could not be written down, what runs is one system.
          assert.equal(state.services, state.running, `full at write ${at}: ${JSON.stringify(state)}`);
          sweep.heal("quick");
          await settle(host.gate());
          const where = await assertWhole(sweep, `full at write ${at}`);
          if ("ok" in outcome && outcome.ok) assert.equal(where, "new");
          if (isDone) break;
        }
      });
});
