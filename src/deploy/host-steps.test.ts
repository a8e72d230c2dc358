/** The steps against a gate that is played here; the real one answers in test/e2e/deploy*.test.ts. */
import assert from "node:assert/strict";
import { before, suite, test } from "node:test";
import { alice, signed, warrant } from "../../test/support/warrants.ts";
import { NixsealError } from "../core/errors.ts";
import type { GateEvent } from "../gate/answer.ts";
import type { GateMessage, OfferMessage } from "../gate/message.ts";
import { signMessage } from "../ssh/signer.ts";
import type { GateNo, GateSuccess } from "./gate-client.ts";
import { deployHost, type HostOrder, type HostWorld } from "./host-steps.ts";

let offer: OfferMessage;
before(async () => {
  offer = { kind: "offer", warrant: await signed(warrant(), alice), between: [], status: null };
});

const yes = (fields: object = {}): GateSuccess => ({ kind: "result", ok: true, ...fields });
const no = (code: string): GateNo => ({
  kind: "result",
  ok: false,
  code,
  reason: `no: ${code}`,
  hint: null,
  receipt: "signed",
});
const gone = (): never => {
  throw new NixsealError("io", "connection refused");
};
const confirmEvent: GateEvent = {
  kind: "event",
  step: "confirm",
  message: "waits",
  data: { nonce: "ab".repeat(32) },
};

type Played = Partial<
  Record<
    GateMessage["kind"],
    (tell: (event: GateEvent) => void) => GateSuccess | GateNo | Promise<GateSuccess | GateNo>
  >
>;

async function play(gate: Played, changes: Partial<HostWorld> = {}, given: Partial<HostOrder> = {}) {
  const log: string[] = [];
  const world: HostWorld = {
    clock: {
      now: () => new Date(0),
      sleep: async (_time, options) =>
        options?.background === true ? new Promise(() => undefined) : undefined,
    },
    ask: async (message, way, onEvent = () => undefined) => {
      const fence = "fence" in message ? ` fence ${message.fence}` : "";
      log.push(`${message.kind} ${way}${fence}`);
      return (gate[message.kind] ?? (() => yes()))(onEvent);
    },
    copy: async () => void log.push("copy"),
    lease: async () => ({
      name: "host/web",
      token: 7,
      renew: async () => undefined,
      release: async () => void log.push("release"),
    }),
    check: async () => null,
    sign: (text, purpose) => signMessage(text, `nixseal-${purpose}@v1`, alice),
    disconnect: async () => void log.push("disconnect"),
    say: () => undefined,
    logHead: async () => null,
    ...changes,
  };
  const result = await deployHost(
    {
      fleet: "bos55",
      host: "web",
      order: offer.warrant,
      offer: async () => offer,
      action: "switch",
      reboots: "never",
      rebootWithin: 10_000,
      ...given,
    },
    world,
  );
  return { log, result };
}

test("the lease begins above what the host has seen", async () => {
  const asked: number[] = [];
  const lease = { name: "host/web", token: 9, renew: async () => undefined, release: async () => undefined };
  await play({ status: () => yes({ fence: 8 }) }, { lease: async (seen) => (asked.push(seen), lease) });
  assert.deepEqual(asked, [8]);
});

test("a host that runs it already costs one question", async () => {
  const { log, result } = await play({ status: () => yes({ active: offer.warrant.digest }) });
  assert.deepEqual(log, ["status shared"]);
  assert.deepEqual([result.outcome, result.changed], ["done", false]);
});

suite("a reboot", () => {
  const { toplevel } = warrant();
  /** A machine that is down for some looks, then back as `after`. */
  const machine = (after: object, downFor = 2) => {
    let asked = 0;
    let down = Infinity;
    return {
      status: () => {
        asked++;
        if (down > 0 && down !== Infinity) {
          down--;
          return gone();
        }
        return down === Infinity
          ? yes({ boot: "first", uptime: 60, running: toplevel, reboot: true })
          : yes({ boot: "second", running: toplevel, ...after });
      },
      reboot: () => {
        down = downFor;
        return yes({ boot: "first" });
      },
      activate: () => yes({ outcome: "active", receipt: "signed" }),
      asked: () => asked,
    };
  };

  test("over fresh connections until the host names another boot, under the lease, then the checks", async () => {
    const checked: string[] = [];
    const { log, result } = await play(
      machine({}),
      { check: async () => (checked.push("checked"), null) },
      { reboots: "always" },
    );
    assert.deepEqual(log, [
      "status shared",
      "offer shared",
      "copy",
      "activate shared fence 7",
      "status shared",
      "reboot shared fence 7",
      "disconnect",
      "status fresh",
      "status fresh",
      "status fresh",
      "release",
    ]);
    assert.deepEqual([result.outcome, result.message], ["done", "runs it, started anew in 0 s"]);
    assert.deepEqual(checked, ["checked"]);
  });

  test("of a host that goes down before it can answer is seen all the same", async () => {
    const played = machine({});
    const reboot = () => (played.reboot(), gone());
    assert.equal((await play({ ...played, reboot }, {}, { reboots: "always" })).result.outcome, "done");
  });

  test("that does not end in time, or into something else, or sick, is a failure that says what was done", async () => {
    const cases: readonly [ReturnType<typeof machine>, Partial<HostWorld>, RegExp][] = [
      [machine({}, 99), {}, /runs it; it did not come back within 10 s .*deploy rollback web/],
      [machine({ boot: "first" }), {}, /did not come back/],
      [machine({ running: "/nix/store/x-old" }), {}, /came back with \/nix\/store\/x-old/],
      [machine({}), { check: async () => "web is sick" }, /after its reboot: web is sick/],
    ];
    for (const [played, changes, message] of cases) {
      const { log, result } = await play(played, changes, { reboots: "always" });
      assert.equal(result.outcome, "failed");
      assert.deepEqual([result.changed, result.receipt], [true, "signed"]);
      assert.match(result.message, message);
      assert.equal(log.at(-1), "release");
    }
    const refused = { ...machine({}), reboot: () => no("confirmation") };
    assert.match(
      (await play(refused, {}, { reboots: "always" })).result.message,
      /runs it; no: confirmation/,
    );
    const old = { ...machine({}), status: () => yes({ running: toplevel }) };
    assert.match((await play(old, {}, { reboots: "always" })).result.message, /knows no reboot/);
  });

  test("is only for hosts that need one, where that was said; and is made up for after an interruption", async () => {
    const calm = {
      ...machine({}),
      status: () => yes({ boot: "first", uptime: 60, running: toplevel, reboot: false }),
    };
    const without = await play(calm, {}, { reboots: "if-needed" });
    assert.ok(!without.log.some((line) => line.startsWith("reboot")), without.log.join());
    const needy = await play(machine({}), {}, { reboots: "if-needed" });
    assert.match(needy.result.message, /started anew/);
    // It runs the order already, and nothing but the reboot is missing.
    const active = { active: offer.warrant.digest };
    const cut = machine(active);
    const { log } = await play(
      { ...cut, status: () => ({ ...cut.status(), ...active }) },
      {},
      { reboots: "if-needed" },
    );
    assert.deepEqual(log.slice(0, 3), ["status shared", "status shared", "reboot shared fence 7"]);
    const done = yes({ ...active, running: toplevel, reboot: false });
    for (const reboots of ["always", "if-needed"] as const)
      assert.deepEqual((await play({ status: () => done }, {}, { reboots })).log, ["status shared"]);
  });
});

test("offer, copy, activate, and the confirmation over a connection of its own, all with the lease's token", async () => {
  let confirmed = (): void => undefined;
  const { log, result } = await play({
    activate: (tell) => {
      tell(confirmEvent);
      tell(confirmEvent);
      return new Promise(
        (resolve) => (confirmed = () => resolve(yes({ outcome: "active", receipt: "signed" }))),
      );
    },
    confirm: () => {
      confirmed();
      return yes();
    },
  });
  assert.deepEqual(log, [
    "status shared",
    "offer shared",
    "copy",
    "activate shared fence 7",
    "confirm fresh fence 7",
    "release",
  ]);
  assert.deepEqual([result.outcome, result.message, result.receipt], ["done", "runs it", "signed"]);
});

test("who cannot be reached is offline; who says no, or has another host key, has failed", async () => {
  assert.equal((await play({ status: gone })).result.outcome, "offline");
  assert.equal((await play({ status: () => no("mode") })).result.outcome, "failed");
  const impostor = (): never => {
    throw new NixsealError("refused", "its host key is not the pinned one");
  };
  assert.equal((await play({ status: impostor })).result.outcome, "failed");
  const refused = await play({ offer: () => no("threshold") });
  assert.equal(refused.result.message, "no: threshold [threshold]");
  assert.deepEqual(refused.log, ["status shared", "offer shared", "release"]);
});

test("a new system that does not do its work is undone, and the report says both", async () => {
  let undone = (): void => undefined;
  const { log, result } = await play(
    {
      activate: (tell) => {
        tell(confirmEvent);
        return new Promise((resolve) => (undone = () => resolve(no("reverted"))));
      },
      revert: () => {
        undone();
        return yes();
      },
    },
    { check: async () => "port 443 is closed" },
  );
  assert.ok(log.includes("revert fresh fence 7") && !log.some((line) => line.startsWith("confirm")));
  assert.deepEqual(
    [result.outcome, result.message, result.receipt],
    ["failed", "no: reverted; port 443 is closed", "signed"],
  );
});

test("a lost connection during the activation: the host is asked how it ended", async () => {
  for (const [last, outcome] of [
    [yes({ activation: null, active: "?" }), "failed"],
    [yes({ activation: null, active: "ours" }), "done"],
  ] as const) {
    let looks = 0;
    const { result } = await play({
      activate: gone,
      status: () => {
        looks++;
        if (looks === 1) return yes({ active: null });
        if (looks === 2) return gone();
        if (looks === 3) return yes({ activation: { phase: "checking" }, active: null });
        return "active" in last && last["active"] === "ours"
          ? yes({ activation: null, active: offer.warrant.digest })
          : last;
      },
    });
    assert.deepEqual([result.outcome, looks], [outcome, 4]);
  }
  const silent = await play({
    activate: gone,
    status: (() => {
      let first = true;
      return () => {
        if (!first) return gone();
        first = false;
        return yes({ active: null });
      };
    })(),
  });
  assert.match(silent.result.message, /does not say how it ended/);
});

test("without the lease nothing is sent; a lease that is lost on the way stops before the activation", async () => {
  const taken = async (): Promise<never> => {
    throw new NixsealError("conflict", "host/web is held by bob@desk");
  };
  const refused = await play({}, { lease: taken });
  assert.deepEqual(refused.log, ["status shared"]);
  assert.match(refused.result.message, /held by bob@desk/);

  let wake = (): void => undefined;
  const clock = { now: () => new Date(0), sleep: () => new Promise<void>((resolve) => (wake = resolve)) };
  const lease = { name: "host/web", token: 7, renew: taken, release: async () => undefined };
  const { log, result } = await play(
    {},
    {
      clock,
      lease: async () => lease,
      copy: async () => {
        wake(); // time for the renewal, which fails
        await new Promise((resolve) => setImmediate(resolve));
      },
    },
  );
  assert.deepEqual(log, ["status shared", "offer shared"]);
  assert.match(result.message, /held by bob/);
});

test("a bug is no report", async () => {
  const bug = async (): Promise<never> => {
    throw new TypeError("x is not a function");
  };
  await assert.rejects(play({}, { copy: bug }), TypeError);
});

test("a state that cannot be reached when the lease is given back does not change what the host came to", async () => {
  const lease = { name: "host/web", token: 7, renew: async () => undefined, release: async () => gone() };
  const { result } = await play({ activate: () => yes({ outcome: "active" }) }, { lease: async () => lease });
  assert.deepEqual([result.outcome, result.changed], ["done", true]);
});

test("a host that says for ever that it is at work is given up", async () => {
  let now = 0;
  const clock: HostWorld["clock"] = {
    now: () => new Date(now),
    sleep: async (time, options) => {
      if (options?.background === true) return new Promise(() => undefined);
      now += time;
    },
  };
  let looks = 0;
  let lost = false;
  const { result } = await play(
    {
      activate: () => {
        lost = true;
        return gone();
      },
      status: () => {
        if (lost) looks++;
        now += lost ? 60_000 : 0; // each answer takes a minute
        return yes({ activation: { phase: "testing" } });
      },
    },
    { clock },
  );
  assert.equal(result.outcome, "failed");
  assert.ok(looks < 40, `${looks} looks`);
});

test("a host whose clock is wrong: that is said, and said once more with what it refuses", async () => {
  const said: string[] = [];
  const say = (message: string): void => void said.push(message);
  const gate = (clock: string): Played => ({ status: () => yes({ clock }), offer: () => no("root-expired") });
  const wrong = await play(gate("1971-01-01T00:00:00Z"), { say });
  const note = "its clock says 1971-01-01T00:00:00.000Z, here it is 1970-01-01T00:00:00.000Z";
  assert.deepEqual(said, [note]);
  assert.equal(wrong.result.message, `no: root-expired [root-expired]; ${note}`);
  for (const clock of ["1970-01-01T00:00:30Z", "soon"]) {
    const { result } = await play(gate(clock));
    assert.equal(result.message, "no: root-expired [root-expired]", clock);
  }
});
