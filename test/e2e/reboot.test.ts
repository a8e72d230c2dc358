/** Deployments that start the host anew. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { GateFleet } from "./gate-fleet.ts";
import { all, systemsOf } from "./gate-state.ts";
import { addSystem } from "./gate-system.ts";

interface Report {
  readonly hosts: readonly { readonly outcome: string; readonly message: string }[];
}

test("a host starts anew by a plan that two members signed, and is seen to be back; one that stays away is told", async (t) => {
  const fleet = new GateFleet(t);
  const { host } = await fleet.startHost(t, ["--confirm-within", "60"]);
  const usual = ["--store", fleet.store.directory, "-i", fleet.key("alice")];

  /** Planned, signed by both, and applied; what `deploy apply` says, while the host is started again or not. */
  const deploy = async (
    system: string,
    words: readonly string[],
    whenDown: () => Promise<void>,
    within = "10m",
  ) => {
    const file = join(fleet.base, "plan.json");
    await fleet.nixseal("deploy", "plan", "web", "--toplevel", system, ...words, "--out", file, ...usual);
    const shown = JSON.parse(
      await fleet.nixseal("deploy", "plan", "web", "--toplevel", system, ...words, "--json", ...usual),
    ) as { hosts: [{ warrant: { file: string } }] };
    const order = join(fleet.directory, shown.hosts[0].warrant.file);
    await fleet.nixseal("warrant", "sign", order, "--yes", "--key", fleet.key("bob"));
    const ended = fleet.tryNixseal(
      "deploy",
      "apply",
      file,
      "--yes",
      "--json",
      "--reboot-within",
      within,
      ...usual,
    );
    await Promise.race([host.goneDown(), ended]);
    await whenDown();
    const { code, stdout, stderr } = await ended;
    const { hosts } = JSON.parse(stdout) as Report;
    return { code, ...hosts[0]!, stderr };
  };

  const next = await addSystem(fleet.store, "next");
  const first = await deploy(next, ["--reboot"], () => host.start());
  assert.equal(first.code, 0, first.message + first.stderr);
  assert.match(first.message, /runs it, started anew in [0-9]+ s/);
  assert.deepEqual(await systemsOf(host), all(next));

  // An order to boot is in effect when the host has booted.
  const later = await addSystem(fleet.store, "later");
  const boot = ["--action", "boot", "--reboot-if-needed"];
  const second = await deploy(later, boot, () => host.start());
  assert.equal(second.code, 0, second.message + second.stderr);
  assert.deepEqual(await systemsOf(host), all(later));
  const journal = await host.run(["journalctl", "--no-pager", "--boot=-1"]);
  assert.match(journal, /alice has it start anew into/);

  const last = await addSystem(fleet.store, "last");
  const third = await deploy(last, ["--reboot"], async () => undefined, "5s");
  assert.equal(third.code, 3);
  assert.equal(third.outcome, "failed");
  assert.match(third.message, /runs it; it did not come back within 5 s/);
  await host.start();
  assert.deepEqual(await systemsOf(host), all(last));
});
