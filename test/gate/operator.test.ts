import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { spawnSync } from "node:child_process";
import { nixseal } from "../support/fleet.ts";
import { trustFleet, type TrustFleet } from "../support/trust-fleet.ts";

interface Operator {
  readonly fleet: TrustFleet;
  /** Runs a verb of `nixseal gate`. */
  readonly gate: (...words: string[]) => { code: number | null; stdout: string; stderr: string };
  /** A line an argv that ssh was started with. */
  readonly calls: () => string[];
}

/** A fleet and an `ssh` that answers what a test says, in the order of the calls, whatever it is sent. */
function operator(context: TestContext, answers: readonly string[], exit = 0): Operator {
  const fleet = trustFleet(context);
  const at = (name: string): string => join(fleet.directory, "..", name);
  mkdirSync(at("bin"));
  answers.forEach((answer, index) => writeFileSync(at(`answer-${index}`), answer));
  writeFileSync(at("calls"), "");
  writeFileSync(
    at("bin/ssh"),
    `#!/bin/sh
case "$*" in *"-O exit"*) exit 0 ;; esac
n=$(wc -l <"${at("calls")}")
echo "$*" >>"${at("calls")}"
[ -e "${at("answer-")}$n" ] && cat "${at("answer-")}$n"
[ ${exit} = 0 ] || echo "ssh: connect to host web port 22: Connection refused" >&2
exit ${exit}
`,
  );
  chmodSync(at("bin/ssh"), 0o755);
  const env = { ...fleet.env, PATH: `${at("bin")}:${fleet.env["PATH"]}` };
  return {
    fleet,
    gate: (...words) => {
      const options = { cwd: fleet.directory, env, encoding: "utf8", timeout: 60_000 } as const;
      const { status, stdout, stderr } = spawnSync(nixseal, ["gate", ...words], options);
      return { code: status, stdout, stderr };
    },
    calls: () => readFileSync(at("calls"), "utf8").trim().split("\n"),
  };
}

const status = {
  kind: "result",
  ok: true,
  running: `/nix/store/${"0".repeat(32)}-system`,
  active: null,
  root: 1,
  krl: null,
  heads: {},
  pending: [],
  activation: null,
  last: null,
};
const line = (value: object): string => `${JSON.stringify(value)}\n`;

test("the host is known by the fleet's key alone, over a connection of its own", (context) => {
  const { gate, calls } = operator(context, [line(status)]);
  const { code, stdout, stderr } = gate("status", "web", "-i", "key");
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^running +\/nix\/store\/0{32}-system$/m);
  const [call] = calls();
  for (const option of [
    "StrictHostKeyChecking=yes",
    "GlobalKnownHostsFile=/dev/null",
    "BatchMode=yes",
    "ForwardAgent=no",
  ])
    assert.ok(call!.includes(`-o ${option} `), option);
  // ssh takes the first of two.
  assert.ok(call!.indexOf("ControlMaster=no") < call!.indexOf("ControlMaster=auto"));
  assert.match(call!, / -l deploy .* -- web nixseal-gate status$/);
  assert.match(call!, /-i \S+\/fleet\/key -o IdentitiesOnly=yes/);
});

test("a host without a pinned key is not asked", (context) => {
  const { fleet, gate, calls } = operator(context, []);
  fleet.write(
    "fleet.toml",
    readFileSync(fleet.file("fleet.toml"), "utf8").replace(/^host_keys = .*\ntags/m, "tags"),
  );
  const { code, stderr } = gate("status", "web");
  assert.equal(code, 2);
  assert.match(stderr, /no host key to know it by/);
  assert.deepEqual(calls(), [""]);
});

const refusal = {
  kind: "result",
  ok: false,
  code: "closure",
  reason: "the store differs",
  hint: "copy again",
};
const hostile: readonly (readonly [what: string, answer: string, code: number, said: RegExp])[] = [
  [
    "a refusal is said with its code and hint",
    line(refusal),
    4,
    /web: the store differs \[closure\]\n.*copy again/,
  ],
  ["what was undone is partly done", line({ ...refusal, code: "reverted" }), 3, /\[reverted\]/],
  ["somebody else at work is a conflict", line({ ...refusal, code: "busy" }), 2, /\[busy\]/],
  ["no answer", "", 2, /did not answer as a gate/],
  ["another language", "Welcome to web!\n", 2, /answers in another language: Welcome to web!/],
  ["a result that is none", line({ kind: "result", ok: "yes" }), 2, /another language/],
  ["half a line", JSON.stringify(status), 2, /ends within a line/],
  ["bytes that are no text", "\xff\xfe\n", 2, /./],
  ["a line without end", "x".repeat(5 << 20), 2, /more than a gate has to say/],
  ["a status of another shape", line({ ...status, pending: "all" }), 2, /pending/],
];

for (const [what, answer, code, said] of hostile)
  test(`from the host: ${what}`, (context) => {
    const { gate } = operator(context, [answer]);
    const result = gate("status", "web");
    assert.equal(result.code, code, result.stderr);
    assert.match(result.stderr, said);
  });

test("what the host says cannot move the cursor or rename the window", (context) => {
  const event = { kind: "event", step: "test\u001b[2J", message: "\u001b]0;pwned\u0007\u202eevil" };
  const { gate } = operator(context, [line(event) + line({ ...refusal, reason: "no\u001b[31m" })]);
  const { stdout, stderr } = gate("status", "web");
  assert.doesNotMatch(stdout + stderr, /\p{Cc}(?<!\n)|\u202e/u);
  assert.match(stderr, /pwned/);
});

test("ssh that fails says why", (context) => {
  const { gate } = operator(context, [], 255);
  const { code, stderr } = gate("status", "web");
  assert.equal(code, 2);
  assert.match(stderr, /Connection refused/);
});
