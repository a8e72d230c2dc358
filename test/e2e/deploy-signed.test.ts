/** What CI does: it brings hosts what members have signed, with a key that signs nothing (Debian: git, nix-bin, openssh). */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { auditContext } from "../support/audit-context.ts";
import { DeployLab } from "../support/deploy-lab.ts";
import { fleetOf } from "../support/fleets.ts";
import { order, pullingGate } from "../support/pulling-host.ts";
import { StockNix } from "../support/stock-nix.ts";
import { warrant } from "../support/warrants.ts";
import type { GateSuccess } from "../../src/deploy/gate-client.ts";
import { parseStorePath, type StorePath } from "../../src/nix/store-path.ts";
import { buildOrdered } from "../../src/ops/deploy/signed-orders.ts";

test("signed orders are brought, others wait; it orders and signs nothing", async (t) => {
  const lab = await DeployLab.make(t, ["web", "db", "new"], { gate: pullingGate });
  const one = await order(lab, "web", "one");
  const waiting = lab.system("two");
  await lab.must("warrant", "create", "db", "--toplevel", waiting, "--store", lab.builder.directory);
  const before = fs.readdirSync(join(lab.fleet, "warrants"), { recursive: true });
  const db = lab.host("db").running();
  // Another person's home: there is no key in it that could sign, nor what alice has seen of the fleet.
  const runner = join(lab.directory, "runner");
  fs.mkdirSync(runner);
  lab.env["HOME"] = runner;
  const words = ["deploy", "apply", "*", "--signed", "--yes", "--identity", join(lab.directory, "deploy")];
  fs.copyFileSync(lab.keyOf("alice"), join(lab.directory, "deploy"));
  fs.chmodSync(join(lab.directory, "deploy"), 0o600);
  const carry = () => lab.run(...words, "--store", lab.builder.directory, "--json");

  const done = await carry();
  assert.equal(done.code, 0, done.stderr + done.stdout);
  const { hosts } = JSON.parse(done.stdout) as { hosts: object[] };
  assert.deepEqual(hosts, [{ host: "web", outcome: "done", message: "runs it" }]);
  assert.match(done.stderr, /warrants\/db\/0001\.json waits for signatures: 0 of 1/);
  assert.match(done.stderr, /there is no order for new/);
  assert.deepEqual([lab.host("web").running(), lab.host("db").running()], [one, db]);
  assert.deepEqual(fs.readdirSync(join(lab.fleet, "warrants"), { recursive: true }), before);

  const again = await carry();
  assert.match(again.stdout, /runs it already/);
  const plan = await lab.run(...words, "--toplevel", waiting);
  assert.equal(plan.code, 2);
  assert.match(plan.stderr, /--signed takes hosts/);
});

test("what the store lacks is built from the commit that the order names, and must be what was signed", async (t) => {
  const stock = new StockNix();
  t.after(() => stock.remove());
  const repository = stock.path("fleet");
  fs.mkdirSync(join(repository, "below"), { recursive: true });
  const git = (...words: string[]): string =>
    execFileSync("git", ["-C", repository, "-c", "user.name=a", "-c", "user.email=a@b", ...words], {
      encoding: "utf8",
      env: { ...stock.allEnvironment, GIT_CONFIG_GLOBAL: "/dev/null" },
    }).trim();
  git("init", "--quiet");
  const commit = (text: string): string => {
    fs.writeFileSync(
      join(repository, "below/flake.nix"),
      `{ outputs = { self }: { nixosConfigurations.web.config.system.build.toplevel = derivation { name = "nixos-system-web"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "echo ${text} > $out" ]; }; }; }`,
    );
    git("add", "-A");
    git("commit", "--quiet", "-m", text);
    return git("rev-parse", "HEAD");
  };
  const ordered = commit("one");
  const flake = `git+file://${repository}?rev=${ordered}&dir=below`;
  const nix = ["--extra-experimental-features", "nix-command flakes", "eval", "--raw"];
  const evaluated = stock.run("nix", [
    ...nix,
    `${flake}#nixosConfigurations.web.config.system.build.toplevel.outPath`,
  ]);
  const toplevel = parseStorePath(evaluated.toString(), stock.storeDirectory);
  commit("two"); // what is checked out is another one by now
  const { PATH: _, ...environment } = stock.allEnvironment;
  const context = auditContext(t, new Date(), environment);
  const open = { directory: join(repository, "below"), fleet: await fleetOf("") };
  const build = async (path: StorePath, source: string | null, active: string): Promise<void> => {
    const { HOME: home } = process.env;
    process.env["HOME"] = stock.directory; // nix's cache of repositories
    try {
      const order = warrant({
        toplevel: path,
        source: source === null ? null : { repo: "fleet", commit: source, tree: source },
      });
      const envelope = { warrant: order, digest: "d", payload: new Uint8Array(), signatures: [] };
      const answer: GateSuccess = { kind: "result", ok: true, active };
      await buildOrdered(
        context,
        open,
        new Map([["web", { envelope, file: "warrants/web/0001.json" }]]),
        new Map([["web", answer]]),
        {},
      );
    } finally {
      process.env["HOME"] = home;
    }
  };
  const other = parseStorePath(toplevel.replace("-nixos-system", "-other-system"), stock.storeDirectory);
  await build(other, null, "d"); // the host runs it: nothing is needed
  await assert.rejects(build(toplevel, null, ""), { code: "not-found", message: /names no commit/ });
  assert.ok(!fs.existsSync(toplevel));
  await build(toplevel, ordered, "");
  assert.equal(fs.readFileSync(toplevel, "utf8"), "one\n");
  await build(toplevel, null, ""); // it is there now
  await assert.rejects(build(other, ordered, ""), { code: "refused", message: /builds .* orders .*other/ });
});
