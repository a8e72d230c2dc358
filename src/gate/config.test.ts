import assert from "node:assert/strict";
import { test } from "node:test";
import { gateConfigJson } from "../../test/support/gate-config.ts";
import { utf8 } from "../core/bytes.ts";
import { parseGateConfig } from "./config.ts";
import { gatePaths, placeOf } from "./paths.ts";
import { pathOf } from "../../test/support/warrants.ts";

const parse = (changed: object) =>
  parseGateConfig(utf8(JSON.stringify({ ...gateConfigJson, ...changed }, null, 2)));

test("what the module writes is read", () => {
  const config = parse({});
  assert.equal(config.host, "web");
  assert.deepEqual(config.confirm, { within: 90 });
  assert.equal(parse({ confirm: null }).confirm, null);
  assert.deepEqual(config.health, [["/run/current-system/sw/bin/systemctl", "is-active", "sshd.service"]]);
});

test("what is missing, unknown or dangerous is named", () => {
  const cases: [string, object][] = [
    ["gate.v", { v: 2 }],
    ["gate.host", { host: "../web" }],
    ["gate.store", { store: "relative" }],
    ["gate.profile", { profile: "/nix/var/../x" }],
    ["gate.health[0][0]", { health: [["systemctl"]] }],
    ["gate.health[0]", { health: [[]] }],
    ["gate.confirm.within", { confirm: { within: 0 } }],
    ["gate.upstream[0]", { upstream: ["cache:!"] }],
    ["gate.mode", { mode: "off" }],
    ["gate: unknown key", { modes: "warrants" }],
  ];
  for (const [message, changed] of cases)
    assert.throws(
      () => parse(changed),
      (error: Error & { code?: string }) => error.code === "config" && error.message.startsWith(message),
      message,
    );
  assert.throws(() => parseGateConfig(utf8("{")), { code: "config" });
});

test("every path lies below the root, the store's files too", () => {
  const paths = gatePaths("/mnt", parse({}));
  for (const [name, path] of Object.entries(paths)) assert.ok(path?.startsWith("/mnt"), name);
  const own = gatePaths("", parse({ store: "/srv/web" }));
  assert.equal(placeOf(own, pathOf("x")), `/srv/web${pathOf("x")}`);
  assert.equal(own.gcroots, "/srv/web/nix/var/nix/gcroots/nixseal");
  assert.equal(placeOf(gatePaths("", parse({})), pathOf("x")), pathOf("x"));
});
