import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { finding } from "../../test/support/notices.ts";
import { temporaryDirectory } from "../../test/support/temporary.ts";
import type { VulnerabilityFinding } from "../audit/match/finding.ts";
import { utf8 } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import type { Command } from "../core/ports.ts";
import { files } from "../system/files.ts";
import { carryOut, type ActPorts } from "./act.ts";
import { layoutOf } from "./layout.ts";
import { planUnits, type Situation } from "./plan.ts";
import { readHeld } from "./records.ts";
import { lookAround } from "./situation.ts";

const foo = `/nix/store/${"f".repeat(32)}-foo-1.0`;
const web = `/nix/store/${"w".repeat(32)}-web-1.0`;
const now = "2026-11-22T07:00:00Z";
const urgent = finding("CVE-1", { paths: [foo], mayAct: true });

/** systemd, as `systemctl` shows it: services by name with what they run; sockets run as long as nobody stops them. */
class Systemd {
  readonly running = new Map<string, string>([
    ["web.service", web],
    ["other.service", "/nix/store/other"],
  ]);
  readonly cgroups = new Map<string, string>();
  readonly calls: string[] = [];
  /** Asked before a start or a stop is done. */
  before: (verb: string) => void = () => undefined;

  run = async ({ program, args }: Command) => {
    const answer = (text: string, code = 0) => ({ code, stdout: utf8(text), stderr: code === 0 ? "" : "no" });
    if (program === "nix-store") return answer(`${foo}\n${web}\n`);
    const units = args.slice(args.indexOf("--") + 1);
    if (args.includes("show")) {
      if (args.some((arg) => arg.includes("ExecStart")))
        return answer(`ExecStart={ path=${this.running.get(units[0]!) ?? web}/bin/run }\n`);
      const names = units[0] === "*" ? ["web.service", "other.service"] : units;
      return answer(names.map((name) => this.#shown(name)).join("\n\n"));
    }
    const verb = args.find((arg) => arg === "start" || arg === "stop")!;
    this.calls.push(`${verb} ${units.join(" ")}`);
    this.before(verb);
    for (const unit of units)
      if (verb === "stop") this.running.delete(unit);
      else this.running.set(unit, web);
    return answer("");
  };

  #shown(name: string): string {
    const state = this.running.has(name) ? "active" : "inactive";
    return `Id=${name}\nLoadState=loaded\nActiveState=${state}\nControlGroup=${this.cgroups.get(name) ?? ""}`;
  }
}

function host(t: TestContext) {
  const layout = layoutOf(temporaryDirectory(t));
  const systemd = new Systemd();
  const ports: ActPorts = { files, processes: systemd, say: () => undefined };
  const look = (
    findings: readonly VulnerabilityFinding[] = [urgent],
    more: Partial<ActPorts> = {},
  ): Promise<Situation> => lookAround({ ...ports, ...more }, layout, findings, () => false);
  const act = async (findings?: readonly VulnerabilityFinding[], more: Partial<ActPorts> = {}) => {
    const situation = await look(findings, more);
    return carryOut({ ...ports, ...more }, layout, situation, planUnits(situation), now);
  };
  return { layout, systemd, look, act };
}

test("the hold is on the disk before the stop, and gone before the start", async (t) => {
  const { layout, systemd, act } = host(t);
  const file = join(layout.held, "web.service");
  systemd.before = () => assert.ok(existsSync(file));
  const stopped = await act();
  assert.deepEqual([stopped.held.map(({ unit }) => unit), stopped.failures], [["web.service"], []]);
  assert.deepEqual(systemd.calls, ["stop web.service"]);
  await act();
  assert.deepEqual(systemd.calls, ["stop web.service"], "once");
  systemd.before = () =>
    assert.deepEqual([existsSync(file), readdirSync(layout.released)], [false, ["web.service"]]);
  const released = await act([]);
  assert.deepEqual([released.held, released.failures, readdirSync(layout.released)], [[], [], []]);
  assert.deepEqual(systemd.calls, ["stop web.service", "start web.service"]);
});

test("killed between the end of a hold and the start: the next look starts it", async (t) => {
  const { layout, systemd, act } = host(t);
  await act();
  systemd.before = () => {
    throw new Error("killed");
  };
  await assert.rejects(act([]), /killed/);
  assert.equal(systemd.running.has("web.service"), false);
  systemd.before = () => undefined;
  assert.deepEqual((await act([])).failures, []);
  assert.ok(systemd.running.has("web.service"));
  assert.deepEqual(readdirSync(layout.released), []);
});

test("what cannot be held is stopped all the same, and what cannot be stopped is not called stopped", async (t) => {
  const { systemd, act } = host(t);
  const full = {
    ...files,
    writeAtomic: () => Promise.reject(new NixsealError("io", "no space left on the device")),
  };
  const first = await act([urgent], { files: full });
  assert.deepEqual(systemd.calls, ["stop web.service"]);
  assert.match(first.failures[0]!, /web\.service is not kept from starting again: no space left/);
  systemd.running.set("web.service", web);
  systemd.before = () => {
    throw new NixsealError("tool", "Operation refused");
  };
  const second = await act();
  assert.deepEqual(
    [second.held, second.failures],
    [[], ["web.service could not be stopped: Operation refused"]],
  );
});

test("a service that cannot be looked at whole keeps no other from being stopped, and is judged by what was seen", async (t) => {
  const { systemd, look } = host(t);
  systemd.running.set("other.service", web);
  systemd.cgroups.set("other.service", "/system.slice/other.service");
  const seen = await look([urgent], { files: { ...files, status: () => Promise.resolve(null) } });
  assert.match(seen.unseen[0]!, /not all of what other\.service runs could be seen: control groups/);
  assert.deepEqual(
    planUnits(seen).stop.map(({ unit }) => unit),
    ["other.service", "web.service"],
  );
});

test("a marker that no record means any more is removed; a record that is damaged is an error", async (t) => {
  const { layout, act } = host(t);
  mkdirSync(layout.held, { recursive: true });
  writeFileSync(join(layout.held, "late.socket"), "late.service\n");
  writeFileSync(join(layout.held, "README"), "not ours");
  await act();
  assert.deepEqual(readdirSync(layout.held), ["README", "web.service"]);
  for (const bad of ["", "{}", '{"version":1}', "[]"]) {
    writeFileSync(join(layout.held, "web.service"), bad);
    await assert.rejects(readHeld(files, layout.held), NixsealError, bad);
  }
});
