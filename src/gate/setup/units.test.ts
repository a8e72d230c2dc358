import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { top } from "../../../test/console.ts";
import { secretsUnits } from "../../../test/e2e/secrets-units.ts";
import { StockNix } from "../../../test/support/stock-nix.ts";
import { temporaryDirectory } from "../../../test/support/temporary.ts";
import { pullUnits } from "./pull-units.ts";
import { formatUnit } from "./unit-file.ts";
import { gateUnits } from "./units.ts";

const nix = new StockNix();
after(() => nix.remove());

const agent = "/usr/bin/true";
const units = gateUnits({ agent, user: "deploy", connections: 16, searchPath: null });

test("the NixOS module makes the same units", () => {
  const file = join(top, "nix/module/gate/units.nix");
  const expression = `import ${file} { agent = "${agent}"; user = "deploy"; connections = 16; }`;
  const theirs = nix.json("nix-instantiate", "--eval", "--strict", "--json", "--expr", expression);
  assert.deepEqual(theirs, units);
});

const pullOptions = { agent, user: "deploy", interval: "5min", jitter: "2min" };
const pulling = pullUnits({ ...pullOptions, receipts: "/srv/orders", searchPath: null });

test("and the same for a host that pulls", () => {
  const file = join(top, "nix/module/pull/units.nix");
  for (const receipts of [null, "/srv/orders"]) {
    const given = JSON.stringify(JSON.stringify({ ...pullOptions, receipts }));
    const expression = `import ${file} (builtins.fromJSON ${given})`;
    const theirs = nix.json("nix-instantiate", "--eval", "--strict", "--json", "--expr", expression);
    assert.deepEqual(theirs, pullUnits({ ...pullOptions, receipts, searchPath: null }));
  }
});

/** What systemd-analyze(1) of systemd 252 says of each: from 0, confined, to 10. More is a step back. */
const exposures: Readonly<Record<string, number>> = {
  "nixseal-gate@.service": 1.6,
  "nixseal-gate-recover.service": 1.6,
  "nixseal-secrets.service": 3.6,
  "nixseal-secrets-users.service": 3.6,
  "nixseal-secret@.service": 1.3,
  "nixseal-pull.service": 1.5,
};

test("no unit is more exposed than it was, and systemd understands every setting", (context) => {
  const directory = temporaryDirectory(context);
  const texts: Record<string, string> = { ...secretsUnits("/manifest.json") };
  for (const [name, unit] of Object.entries({ ...units, ...pulling })) texts[name] = formatUnit(unit);
  for (const [name, text] of Object.entries(texts))
    writeFileSync(join(directory, name), text.replaceAll("/usr/local/bin/nixseal-agent", agent));
  const analyze = (...args: string[]): string => {
    const { status, stdout, stderr } = spawnSync("systemd-analyze", args, {
      cwd: directory,
      encoding: "utf8",
      timeout: 30_000,
    });
    // The verdict on a unit that is too exposed is an exit code; an unknown setting is a line on stderr.
    assert.deepEqual([status, stderr], [0, ""], args.join(" "));
    return stdout;
  };
  const found = Object.keys(exposures).map((name) => {
    const said = analyze("security", "--offline=true", "--no-pager", `./${name}`);
    return [name, Number(/exposure level for \S+: ([\d.]+)/.exec(said)?.[1])] as const;
  });
  const worse = found.filter(([name, exposure]) => !(exposure <= exposures[name]!));
  assert.deepEqual(worse, []);
  analyze("verify", "--recursive-errors=no", ...Object.keys(texts).map((name) => `./${name}`));
});
