/** The module's part that watches: what it writes is read by the program, and is what the end-to-end tests run. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { utf8 } from "../../src/core/bytes.ts";
import { parseConfig } from "../../src/watch/config.ts";
import { top } from "../console.ts";
import { watchUnit, watchUnits } from "../e2e/watch-units.ts";
import { StockNix } from "../support/stock-nix.ts";

const nix = new StockNix();
after(() => nix.remove());

interface Unit {
  readonly wantedBy: string[];
  readonly environment: Record<string, string>;
  readonly serviceConfig: Record<string, unknown>;
  readonly pathConfig: Record<string, string>;
}

interface Defined {
  readonly configuration: string;
  readonly services: Record<string, Unit>;
  readonly timers: Record<string, Unit>;
  readonly user: { readonly services: Record<string, Unit>; readonly paths: Record<string, Unit> };
  readonly holds: string[];
  readonly hooks: string[];
}

function defined(settings: Readonly<Record<string, unknown>> = {}): Defined {
  const options = [
    "desktop = true;",
    "terminal = true;",
    'interval = "hourly";',
    'neverStop = [ "db*.service" ];',
  ];
  const most = { enable: true, feed: "https://example.org/feed", minimum: "high", critical: "stop" };
  const watch = Object.assign(most, settings);
  const given = Object.entries(watch).map(([name, value]) => `${name} = ${JSON.stringify(value)};`);
  const expression = `import ${join(top, "test/nix/watch-units.nix")} { top = ${join(top, ".")}/.; watch = { ${[...options, ...given].join(" ")} root = ${join(top, "package.json")}; }; }`;
  return nix.json("nix-instantiate", "--eval", "--strict", "--json", "--expr", expression) as Defined;
}

test("what it writes to /etc is what the program reads", () => {
  const config = parseConfig(utf8(defined().configuration));
  assert.deepEqual(
    [config.critical, config.neverStop, config.feed],
    ["stop", ["db*.service"], "https://example.org/feed"],
  );
  assert.match(config.root, /-advisories\.root\.json$/, "in the store");
});

test("the hosts of the end-to-end tests run the unit with the same restrictions", () => {
  const { services } = defined();
  const text = watchUnits[`/etc/systemd/system/${watchUnit}`]!;
  const settings = services["nixseal-watch"]!.serviceConfig;
  assert.ok(Object.keys(settings).length > 25);
  for (const [setting, value] of Object.entries(settings).filter(([name]) => name !== "ExecStart"))
    assert.ok(text.includes(`\n${setting}=${[value].flat().join(" ")}\n`), setting);
  assert.equal(services["nixseal-watch"]!.environment["NIX_REMOTE"], "daemon");
  assert.match(String(settings["ExecStart"]), /\/bin\/nixseal-agent watch$/);
});

test("only a host that may stop units has the condition that holds them, as the end-to-end tests have it", () => {
  assert.deepEqual(defined({ critical: "notify" }).holds, []);
  const [script] = defined().holds;
  const out = nix.path("holds");
  mkdirSync(out);
  const { status } = spawnSync("sh", ["-euc", script!], { env: { PATH: process.env["PATH"], out } });
  assert.equal(status, 0);
  const made = readdirSync(join(out, "lib/systemd/system"));
  assert.deepEqual(made.sort(), ["path.d", "service.d", "socket.d", "timer.d"]);
  for (const kind of made)
    assert.equal(
      readFileSync(join(out, "lib/systemd/system", kind, "nixseal.conf"), "utf8"),
      watchUnits[`/etc/systemd/system/${kind}/nixseal.conf`],
    );
});

test("it looks at boot, at each switch and by a timer; people are told in their own sessions", () => {
  const { services, timers, user, hooks } = defined();
  assert.deepEqual(services["nixseal-watch"]!.wantedBy, ["multi-user.target"]);
  assert.ok(timers["nixseal-watch"]!.wantedBy.includes("timers.target"));
  assert.equal(user.paths["nixseal-notify"]!.pathConfig["PathChanged"], "/var/lib/nixseal/notices.json");
  assert.match(String(user.services["nixseal-notify"]!.serviceConfig["ExecStart"]), /nixseal-agent notify$/);
  assert.match(hooks.join("\n"), /^\. \S+nixseal-notices\.sh\nsource \S+nixseal-notices\.fish$/);
});
