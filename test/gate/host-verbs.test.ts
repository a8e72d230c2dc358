/** What a host says of itself after a deployment by the gate: `status`, `ledger show`, `taint`, `doctor`. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync } from "node:fs";
import { dirname } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Attack } from "../../src/doctor/attack/attack.ts";
import { Lab } from "../../src/doctor/attack/lab.ts";
import { labSystem } from "../../src/doctor/attack/systems.ts";
import { clock } from "../../src/system/clock.ts";
import { files } from "../../src/system/files.ts";
import { processes } from "../../src/system/processes.ts";
import { random } from "../../src/system/random.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const agent = fileURLToPath(new URL("../../src/program/agent.js", import.meta.url));

interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  json(): unknown;
}

function run(words: readonly string[], root: string, as: readonly string[] = []): Ran {
  const [program, ...args] = [...as, process.execPath, agent, ...words, "--root", root];
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8", timeout: 60_000 });
  return { status, stdout, stderr, json: () => JSON.parse(stdout) as unknown };
}

test("after a deployment the host tells what it runs, on whose word, and what would be tainted", async (t) => {
  const parent = temporaryDirectory(t);
  const options = {
    program: [process.execPath, agent],
    mode: "warrants",
    parent,
    patience: 600_000,
  } as const;
  await Lab.within({ files, processes, clock, random }, options, async (lab) => {
    const { alice, bob } = lab.people;
    const check: Attack["run"] = async (target) => {
      const order = await target.order(labSystem(target.root, "one"), [alice, bob]);
      const deployed = await target.deploy(order);
      assert.ok(deployed.accepted, deployed.said);
      const { root } = target;
      const { path } = order.system.toplevel.info;
      const tool = order.system.closure[0]!.info.path;

      const status = run(["status", "--json"], root);
      assert.equal(status.status, 0, status.stderr + status.stdout);
      const told = status.json() as Record<string, unknown>;
      assert.deepEqual(told["systems"], { running: path, booted: null, profile: path });
      assert.equal(told["warranted"], true);
      assert.deepEqual(told["active"], { digest: order.envelope.digest, seq: 1, toplevel: path });
      assert.match(String(told["receipt"]), /^\d{8}T\d{6}Z-1-/);
      assert.deepEqual(told["pending"], []);
      assert.equal(told["secrets"], null);
      assert.match(run(["status"], root).stdout, /^host +lab-host of lab, warrants\n/);

      const shown = run(["ledger", "show", tool, "--json"], root);
      assert.equal(shown.status, 0, shown.stderr);
      const [entry] = (shown.json() as { paths: { entries: Record<string, unknown>[]; differs: boolean }[] })
        .paths;
      assert.equal(entry!.differs, false);
      const [first] = entry!.entries as {
        event: string;
        origin: { kind: string; signers: { member: string }[] };
      }[];
      assert.deepEqual([first!.event, first!.origin.kind], ["added", "warrant"]);
      assert.deepEqual(
        first!.origin.signers.map(({ member }) => member),
        ["alice", "bob"],
      );
      for (const spelled of [
        tool.slice("/nix/store/".length),
        tool.slice("/nix/store/".length, 43),
        "sudo-1.0",
      ])
        assert.match(
          run(["ledger", "show", spelled], root).stdout,
          /added: warrant .* signed by alice/,
          spelled,
        );
      const system = run(["ledger", "show", path], root).stdout;
      assert.match(system, /depends on:\n.*-sudo-1\.0: warrant/);
      const unknown = run(["ledger", "show", "/nix/store/00000000000000000000000000000000-none"], root);
      assert.match(unknown.stdout, /never heard of it\n.*does not have it/);
      assert.equal(run(["ledger", "show", "none-1.0"], root).status, 2);

      const tainted = run(["taint", "alice", "--json"], root);
      assert.equal(tainted.status, 1, tainted.stderr);
      const { findings, unknown: gaps } = tainted.json() as {
        findings: { path: string; systems: string[] }[];
        unknown: string[];
      };
      assert.deepEqual(gaps, []);
      assert.deepEqual(new Set(findings.map((one) => one.path)), new Set([path, tool]));
      assert.deepEqual(findings[0]!.systems, ["running", "profile"]);
      assert.match(run(["taint", "bob"], root).stdout, /bob brought 2 paths.*2 are in a system of this host/);
      const nobody = run(["taint", "alcie"], root);
      assert.deepEqual([nobody.status, nobody.stdout], [0, "alcie brought nothing; did you mean 'alice'?\n"]);
      assert.equal(run(["taint", "SHA256:cut"], root).status, 2);

      const doctor = run(["doctor", "--json"], root);
      const ids = (doctor.json() as { findings: { id: string; verdict: string }[] }).findings;
      assert.deepEqual(
        ids.filter(({ verdict }) => verdict === "unknown").map(({ id }) => id),
        ["deploy-user"], // below this root there is no /etc/passwd
      );
      assert.ok(
        !ids.some(({ id }) => ["receipts", "not-warranted", "ledger", "trust"].includes(id)),
        doctor.stdout,
      );

      // Whoever is not root reads it too, and is told which parts are missing.
      for (const directory of [dirname(root), parent]) chmodSync(directory, 0o755);
      const stranger = run(["status", "--json"], root, [
        "setpriv",
        "--reuid=4242",
        "--regid=4242",
        "--clear-groups",
      ]);
      const seen = stranger.json() as { warranted: boolean; unknown: { part: string }[]; quarantine: null };
      assert.equal(stranger.status, 1, stranger.stderr);
      assert.deepEqual([seen.warranted, seen.quarantine], [true, null]);
      assert.deepEqual(
        seen.unknown.map(({ part }) => part),
        ["quarantine"],
      );
      return { kind: "stopped", by: "all is as it should be" };
    };
    const { outcome } = await lab.try({ name: "planting", what: "nothing bad", run: check }, "gate");
    assert.deepEqual(outcome, { kind: "stopped", by: "all is as it should be" });
  });
});
