import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../../test/support/temporary.ts";
import { files } from "../../system/files.ts";
import { rulesFromJson } from "./json.ts";
import { faultOf, type SudoRule } from "./rule.ts";
import { rulesFromText } from "./text.ts";

/** What both readers must agree on. */
const shown = (rules: readonly SudoRule[]): string[] =>
  rules
    .map(({ users, command, negated, setEnvironment }) => {
      const who = users
        .map(({ kind, name, negated: not }) => `${not ? "!" : ""}${kind}:${kind === "other" ? "" : name}`)
        .join(",");
      return `${who} ${negated ? "!" : ""}${command}${setEnvironment || command === "ALL" ? " SETENV" : ""}`;
    })
    .sort();

const accepted: readonly string[] = [
  "root ALL=(ALL:ALL) ALL\n",
  "%wheel ALL=(ALL:ALL) NOPASSWD: SETENV: ALL\n",
  "deploy ALL=(root) NOPASSWD: /bin/a activate\n",
  'deploy ALL=(root) NOPASSWD: /bin/a ""\n',
  "User_Alias OPS = alice, bob : DEV = carol, !dave\nOPS, DEV ALL=(ALL) /bin/ls, !/bin/sh\n",
  "Cmnd_Alias A = /bin/a *, /bin/b\nCmnd_Alias B = A, !/bin/c\ndeploy ALL=(root) B\n",
  "deploy web1, web2 = (root) /bin/a : db1 = NOPASSWD: /bin/b\n",
  "# a comment\nDefaults env_reset\nDefaults:deploy !authenticate\ndeploy ALL=(root) \\\n  NOPASSWD: /bin/a, \\\n  /bin/b x\\,y\n",
  "#1001 ALL=(root) /bin/a # behind\n%#100 ALL=/bin/b\n",
  "deploy ALL=(root) NOPASSWD: SETENV: /bin/a, NOSETENV: /bin/b\n",
  "deploy ALL=(root) sudoedit /etc/x\n",
  "deploy ALL=(root) NOPASSWD: sha256:0000000000000000000000000000000000000000000000000000000000000000 /bin/a b\n",
  "deploy ALL=(root) NOEXEC: LOG_OUTPUT: /bin/a b\n",
  '"with space" ALL=/bin/a\n',
  "+netgroup ALL=/bin/a\n",
  "alice,bob ,carol , dave ALL=/bin/a\n",
  "deploy ALL=/usr/bin/\n",
  "deploy ALL=(root) /bin/a --set /nix/store/*, /bin/b [a-z]*\n",
];

for (const [index, text] of accepted.entries())
  test(`sudo's own reader and ours agree: ${text.trim().split("\n").at(-1)!}`, async (t) => {
    const root = temporaryDirectory(t);
    mkdirSync(join(root, "etc"));
    const file = join(root, "etc/sudoers");
    writeFileSync(file, text);
    chmodSync(file, 0o440);
    const { status, stdout, stderr } = spawnSync("cvtsudoers", ["-e", "-f", "json", file], {
      encoding: "utf8",
    });
    assert.equal(status, 0, `${index}: ${stderr}`);
    const theirs = shown(rulesFromJson(stdout, "/etc/sudoers"));
    assert.notDeepEqual(theirs, []);
    assert.deepEqual(shown(await rulesFromText({ files, root }, "/etc/sudoers")), theirs);
  });

test("options that cvtsudoers of sudo 1.9.13 cannot write as JSON", async (t) => {
  const root = temporaryDirectory(t);
  mkdirSync(join(root, "etc"));
  writeFileSync(join(root, "etc/sudoers"), "deploy ALL=(root) CWD=/tmp NOPASSWD: /bin/a b\n");
  assert.deepEqual(shown(await rulesFromText({ files, root }, "/etc/sudoers")), ["user:deploy /bin/a b"]);
});

test("what is not understood is refused, and no input takes for ever", async (t) => {
  const root = temporaryDirectory(t);
  mkdirSync(join(root, "etc"));
  const wrong = [
    "deploy\n",
    "deploy ALL\n",
    "User_Alias = x\n",
    "Cmnd_Alias A = A, A\ndeploy ALL=A\n",
    "@include /etc/%h\n",
    "@include /etc/sudoers\n",
    `${"\\".repeat(20_000)} x\n`,
    `${", ".repeat(2_000)}\n`,
    `deploy ALL=${"A, ".repeat(2_000)}\n`,
  ];
  for (const text of wrong) {
    writeFileSync(join(root, "etc/sudoers"), text);
    await assert.rejects(
      rulesFromText({ files, root }, "/etc/sudoers"),
      { name: "NixsealError" },
      text.slice(0, 40),
    );
  }
});

test("one command line is well, and everything that is more is not", () => {
  assert.equal(faultOf("/run/current-system/sw/bin/nixseal-agent activate"), null);
  const worse: [string, string][] = [
    ["ALL", "critical"],
    ["/nix/store/*/bin/nixseal-agent activate", "critical"],
    ["/bin/nixseal-agent activate *", "critical"],
    ["/bin/nixseal-agent ^activate$", "critical"],
    ["/bin/nixseal-agent", "high"],
    ["/usr/bin/", "critical"],
    ["/bin/bash", "critical"],
    ["/run/current-system/sw/bin/nix-env --rollback", "high"],
    ["sudoedit /etc/x", "high"],
    ["/bin/true now", "medium"],
    ["/bin/nixseal-agent activate --root", "medium"],
  ];
  for (const [command, severity] of worse) assert.equal(faultOf(command)?.severity, severity, command);
});
