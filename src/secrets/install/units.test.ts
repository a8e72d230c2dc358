import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { InstallHost } from "../../../test/support/install-host.ts";
import type { Command, CommandResult } from "../../core/ports.ts";
import { files } from "../../system/files.ts";
import { layoutOf } from "./layout.ts";
import { handOver, showFailures, surroundings } from "./units.ts";

function processes(answer: (command: Command) => Partial<CommandResult> = () => ({})) {
  const commands: string[] = [];
  const run = async (command: Command) => {
    assert.ok(command.timeout !== undefined && command.timeout <= 180_000, "every wait has a bound");
    commands.push([command.program, ...command.args].join(" "));
    return { code: 0, stdout: new Uint8Array(), stderr: "", ...answer(command) };
  };
  return { run, commands };
}

const layout = layoutOf("");
const units = { restart: ["a.service", "b.socket"], reload: ["c.service"] };

test("outside of activation systemctl is called once for all, and only for units that run", async () => {
  const { run, commands } = processes();
  assert.deepEqual(await handOver(files, { run }, layout, { handler: "systemctl", wait: true }, units), []);
  assert.deepEqual(commands, [
    "systemctl --no-ask-password try-restart -- a.service b.socket",
    "systemctl --no-ask-password try-reload-or-restart -- c.service",
  ]);
});

test("inside a unit nobody waits for jobs that wait for us", async () => {
  const { run, commands } = processes();
  await handOver(files, { run }, layout, { handler: "systemctl", wait: false }, units);
  assert.ok(commands.every((command) => command.includes(" --no-block ")));
});

test("no units, no call; a failing call is told", async () => {
  const none = processes();
  await handOver(files, none, layout, { handler: "systemctl", wait: true }, { restart: [], reload: [] });
  assert.deepEqual(none.commands, []);
  const failing = processes(() => ({ code: 1, stderr: "Job for a.service failed.\n" }));
  const problems = await handOver(files, failing, layout, { handler: "systemctl", wait: true }, units);
  assert.deepEqual(problems.length, 2);
  assert.match(problems[0]!, /try-restart: Job for a\.service failed\./);
});

test("under activation the units are put on its lists, behind what is there, once", async (t) => {
  const host = new InstallHost(t);
  host.environment = { NIXOS_ACTION: "switch" };
  const secrets = (value: string, other: string) => ({
    a: { value, restart: ["a.service"], reload: ["r.service"] },
    b: { value: other },
  });
  host.declare(secrets("1", "1"));
  await host.install();
  const list = host.at("/run/nixos/activation-restart-list");
  assert.equal(existsSync(list), false, "the first installation after a boot restarts nothing");
  host.write("/run/nixos/activation-restart-list", "other.service\na.service\n", 0o644);
  host.declare(secrets("2", "bad"));
  const report = await host.install();
  assert.equal(report.handler, "activation");
  assert.equal(readFileSync(list, "utf8"), "other.service\na.service\nnixseal-secret@b.service\n");
  assert.equal(readFileSync(host.at("/run/nixos/activation-reload-list"), "utf8"), "r.service\n");
  assert.deepEqual(host.commands, [], "nothing is started below another root");

  host.environment = { NIXOS_ACTION: "dry-activate" };
  host.declare(secrets("3", "1"));
  await host.install({ dryRun: true });
  assert.equal(readFileSync(host.at("/run/nixos/dry-activation-restart-list"), "utf8"), "a.service\n");
  assert.equal(readFileSync(host.at("/run/nixos/dry-activation-reload-list"), "utf8"), "r.service\n");
  assert.equal(host.read("a"), "2");
});

test("the unit of each failed secret is started; its own run says why it fails", async () => {
  const { run, commands } = processes();
  await showFailures(files, { run }, layout, { handler: "systemctl", wait: true }, ["a", "grafana-admin"]);
  assert.deepEqual(commands, [
    "systemctl --no-ask-password --no-block start -- nixseal-secret@a.service nixseal-secret@grafana-admin.service",
  ]);
});

test("who is in charge of units", async (t) => {
  const host = new InstallHost(t);
  const image = layoutOf(host.root);
  assert.deepEqual(await surroundings(files, image, undefined, false), { handler: "nobody", wait: true });
  assert.deepEqual(await surroundings(files, layout, "switch", false), {
    handler: "activation",
    wait: false,
  });
  const booted = {
    status: async (path: string) => (path === "/run/systemd/system" ? files.status("/") : null),
  };
  assert.deepEqual(await surroundings(booted, layout, undefined, true), {
    handler: "systemctl",
    wait: false,
  });
  const starting = { status: async () => null };
  assert.deepEqual(await surroundings(starting, layout, undefined, false), { handler: "nobody", wait: true });
});
