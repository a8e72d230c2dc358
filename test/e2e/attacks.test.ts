import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Outcome } from "../../src/doctor/attack/attack.ts";
import { attacks } from "../../src/doctor/attack/attacks.ts";
import { Lab } from "../../src/doctor/attack/lab.ts";
import { attackNames, type AttackName } from "../../src/doctor/attack/names.ts";
import { clock } from "../../src/system/clock.ts";
import { files } from "../../src/system/files.ts";
import { processes } from "../../src/system/processes.ts";
import { random } from "../../src/system/random.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const agent = fileURLToPath(new URL("../../src/program/agent.js", import.meta.url));

/** What plain Nix does, members' keys trusted and sudo with wildcards. Where not `succeeded`, Nix itself is in the way. */
const plain: Partial<Record<AttackName, Outcome["kind"]>> = {
  "damaged-warrant": "not-tried",
  "damaged-nar": "stopped",
  symlink: "stopped",
};

/** In words of the gate: stopped by what was meant to stop it, and not by something else on the way. */
const stoppedBy: Record<AttackName, RegExp> = {
  planting: /no further than the quarantine; the deployment brought what was ordered/,
  "planted-earlier": /took the place of what was planted/,
  laundering: /no further than the quarantine; .* differed from the order, and was replaced/,
  "content-addressed": /of 2 needed.*\[threshold\]/,
  "gc-race": /a root of the collector kept what was checked/,
  "wildcard-sudo": /one rule/,
  "one-key-twice": /alice has signed already \[threshold\]/,
  revoked: /revoked \[threshold\]/,
  expired: /expired \[threshold\]/,
  "wrong-host": /\[wrong-host\]/,
  replayed: /\[replayed\]/,
  downgraded: /\[fork\]/,
  frozen: /\[gap\]/,
  "damaged-warrant": /each of 18 was refused/,
  "damaged-nar": /each of 5 was refused/,
  symlink: /symlink/,
  "path-names": /each of 7 was refused/,
};

function machine(): unknown {
  const list = (path: string): string[] => (existsSync(path) ? readdirSync(path) : []);
  return [
    "/nix/store",
    "/nix/var/nix/profiles",
    "/nix/var/nix/gcroots",
    "/etc/nixseal",
    "/var/lib/nixseal",
  ].map(list);
}

test("every attack succeeds against plain Nix and is stopped by the gate, and the lab leaves nothing", async (t) => {
  const parent = temporaryDirectory(t);
  const before = machine();
  const options = {
    program: [process.execPath, agent],
    mode: "warrants",
    parent,
    patience: 600_000,
  } as const;
  await Lab.within({ files, processes, clock, random }, options, async (lab) => {
    for (const attack of attacks)
      await t.test(attack.name, async () => {
        const { outcome: without } = await lab.try(attack, "plain");
        // Old versions of Nix take entries that are out of order, newer ones do not.
        if (attack.name !== "path-names")
          assert.equal(without.kind, plain[attack.name] ?? "succeeded", JSON.stringify(without));
        const { outcome } = await lab.try(attack, "gate");
        assert.equal(outcome.kind, "stopped", JSON.stringify(outcome));
        assert.match(outcome.kind === "stopped" ? outcome.by : "", stoppedBy[attack.name]);
      });
  });
  assert.deepEqual(
    attacks.map(({ name }) => name),
    attackNames,
  );
  assert.deepEqual(readdirSync(parent), []);
  assert.deepEqual(machine(), before);
});

test("without Nix every attack is not tried, which is not stopped", async (t) => {
  const parent = temporaryDirectory(t);
  const options = { program: [process.execPath, agent], mode: "warrants", parent } as const;
  const without = (program: string): string =>
    program.startsWith("nix") ? `${program}-is-not-here` : program;
  const ports = {
    files,
    clock,
    random,
    processes: {
      ...processes,
      run: (command: Parameters<typeof processes.run>[0]) =>
        processes.run({ ...command, program: without(command.program) }),
    },
  };
  await assert.rejects(
    Lab.within(ports, options, async () => undefined),
    { code: "not-found" },
  );
  assert.deepEqual(readdirSync(parent), []);
});

test("what fails half-way takes its directory along, with the read-only stores in it", async (t) => {
  const parent = temporaryDirectory(t);
  const options = {
    program: [process.execPath, join(parent, "no-agent.js")],
    mode: "warrants",
    parent,
  } as const;
  await Lab.within({ files, processes, clock, random }, options, async (lab) => {
    const { outcome } = await lab.try(
      attacks.find(({ name }) => name === "wrong-host")!,
      "gate",
    );
    assert.equal(outcome.kind, "not-tried", JSON.stringify(outcome));
  });
  assert.deepEqual(readdirSync(parent), []);
});
