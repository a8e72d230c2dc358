import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8 } from "../core/bytes.ts";
import { parseStorePath } from "../nix/store-path.ts";
import { formatPlan, type DeployPlan } from "./plan.ts";
import { parsePlan } from "./read-plan.ts";

const system = (letter: string) => parseStorePath(`/nix/store/${letter.repeat(32)}-nixos-system-web-25.05`);

const plan: DeployPlan = {
  fleet: "bos55",
  id: "0".repeat(32),
  created: new Date("2026-01-31T12:00:00Z"),
  action: "switch",
  reboots: "if-needed",
  rollout: { canary: 1, steps: [25], parallel: 8, soak: 60, budget: { failures: 0, beyond: "stop" } },
  hosts: [
    {
      name: "web",
      toplevel: system("a"),
      warrant: { file: "warrants/web/0002.json", seq: 2, digest: "a".repeat(64) },
      current: { toplevel: system("b"), warrant: "b".repeat(64) },
      change: {
        added: ["hello 2.12"],
        removed: [],
        changed: ["openssl 3.0.1 → 3.0.2"],
        rebuilt: 7,
        bytes: -12,
      },
      reboot: false,
      units: {
        source: "expected",
        start: [],
        stop: ["old.service"],
        restart: ["nginx.service"],
        reload: [],
        keep: [],
      },
      secrets: { added: ["token"], removed: [], changed: [], moved: [] },
    },
    {
      name: "edge1",
      toplevel: system("a"),
      warrant: { file: "warrants/@edge/0002.json", seq: 2, digest: "c".repeat(64) },
      current: null,
      change: null,
      reboot: null,
      units: null,
      secrets: null,
    },
  ],
};

test("a plan is read as it was written", () => {
  assert.deepEqual(parsePlan(formatPlan(plan)), plan);
});

/** Written once, never changed: plans that people have kept go on to be read. */
test("a plan of the first version is read", () => {
  const kept = `{"action":"switch","created":"2026-01-31T12:00:00.000Z","fleet":"bos55","hosts":[{"change":null,"current":null,"name":"web","reboot":null,"toplevel":"/nix/store/${"a".repeat(32)}-nixos-system-web-25.05","warrant":{"digest":"${"a".repeat(64)}","file":"warrants/web/0001.json","seq":1}}],"id":"${"1".repeat(32)}","rollout":{"budget":{"beyond":"stop","failures":0},"canary":1,"parallel":8,"soak":0,"steps":[]},"v":1}\n`;
  const { reboots, hosts } = parsePlan(utf8(kept));
  assert.deepEqual([reboots, hosts[0]!.name, hosts[0]!.units], ["never", "web", null]);
});

test("what is wrong is named with its place", () => {
  const text = Buffer.from(formatPlan(plan)).toString();
  for (const [from, to, message] of [
    ['"v":2', '"v":3', /plan\.v/],
    ['"name":"edge1"', '"name":"web"', /'web' is there twice/],
    ['"name":"edge1"', '"name":"-x"', /hosts\[1\]\.name/],
    ["/nix/store/aaa", "/nix/store/../aaa", /toplevel: expected a store path/],
    ["warrants/web/0002.json", "../../etc/passwd", /warrant\.file/],
    ['"canary":1', '"canary":-1', /canary/],
    ['"steps":[25]', '"steps":[101]', /steps/],
    ['"reboots":"if-needed"', '"reboots":"now"', /plan\.reboots/],
    ['"source":"expected"', '"source":"guessed"', /units\.source/],
    ['"stop":["old.service"]', '"stop":"old.service"', /units\.stop/],
    ['"added":["token"]', '"added":["\\u001b[2J"]', /secrets\.added/],
    ['"bytes":-12', '"bytes":0.5', /bytes/],
    ['"fleet":', '"fleets":', /unknown key "fleets"/],
  ] as const)
    assert.throws(() => parsePlan(utf8(text.replace(from, to))), { message }, to);
  assert.throws(() => parsePlan(utf8("{")), { code: "malformed" });
  assert.throws(() => parsePlan(new Uint8Array([0xff])), { code: "malformed" });
});
