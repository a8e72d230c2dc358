/** An operator who is killed while deploying (see test/support/deploy-lab.ts). */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DeployLab } from "../support/deploy-lab.ts";
import { until } from "./until.ts";

interface GateState {
  readonly activation: object | null;
  readonly last: { readonly outcome: string | null } | null;
}

test("kill -9 of the operator at each step: the host is at one of its systems, and the next run finishes", async (t) => {
  const lab = await DeployLab.make(t, ["web"], { gate: { confirm: { within: 5 } } });
  const web = lab.host("web");
  const words = (system: string): string[] => [
    "deploy",
    "apply",
    "web",
    ...lab.usual,
    "--toplevel",
    `web=${system}`,
  ];
  const whole = await lab.run(...words(lab.system("whole")), "--events");
  assert.equal(whole.code, 0, whole.stderr);
  const steps = whole.stderr.trimEnd().split("\n");
  assert.ok(steps.length >= 8, whole.stderr);
  assert.match(steps.at(-1)!, /unless somebody confirms it/);

  const isOver = async (): Promise<true | undefined> => {
    const said = await lab.must("gate", "status", "web", "--json", "-i", lab.keyOf("alice"));
    const { activation, last } = (JSON.parse(said) as { status: GateState }).status;
    return activation === null && last?.outcome !== null ? true : undefined;
  };
  for (const [index, step] of steps.entries()) {
    const former = web.running();
    const system = lab.system(`kill-${index}`);
    const { kill, ended, stderr } = lab.start(...words(system), "--events");
    let told = "";
    stderr.on("data", (bytes: Buffer) => {
      told += bytes.toString();
      if (told.split("\n").length > index + 1) kill();
    });
    // After the last word there is only the confirmation: on a busy machine that may be faster than the kill.
    const { code } = await ended;
    assert.ok(code === null || (code === 0 && index === steps.length - 1), `${step}: it was not killed`);
    await until(step, 60_000, isOver);
    assert.ok([former, system].includes(web.running()), step);
    assert.equal(web.boots(), web.running(), step);

    endLeases(join(lab.directory, "state"));
    const again = await lab.run(...words(system));
    assert.equal(again.code, 0, `${step}: ${again.stdout}${again.stderr}`);
    assert.deepEqual([web.running(), web.boots()], [system, system], step);
  }
  assert.match(await lab.must("log", "verify"), /sound/);
});

/** The lease of who died has to run out; a person would wait for a minute. */
function endLeases(state: string): void {
  for (const file of fs.readdirSync(state).filter((name) => name.startsWith("lease%"))) {
    const text = fs.readFileSync(join(state, file), "utf8");
    const ended = text.replace(/"until":"[^"]*"/, '"until":"2020-01-01T00:00:00.000Z"');
    fs.writeFileSync(join(state, file), ended);
  }
}
