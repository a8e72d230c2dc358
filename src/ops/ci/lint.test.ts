import assert from "node:assert/strict";
import { test } from "node:test";
import { checkedPolicy, pinnedActions, withActions, type CiPolicy } from "./policy.ts";
import { lintWorkflow } from "./lint.ts";
import { workflowsOf } from "./workflow.ts";
import { NixsealError } from "../../core/errors.ts";

const policy = (forge: CiPolicy["forge"]): CiPolicy => ({
  version: 1,
  forge,
  branch: "main",
  environment: "production",
  delivery: "push",
  runner: "ubuntu-latest",
  deploySecret: "NIXSEAL_DEPLOY_KEY",
  signersVariable: "TRUSTED_SIGNERS",
  nixseal: null,
  actions: pinnedActions(forge),
});
const good = workflowsOf(policy("github"))[0]!.text;
const ids = (text: string): string[] => lintWorkflow("w.yml", text, policy("github")).map(({ id }) => id);

test("what is generated has no findings, on either forge", () => {
  for (const forge of ["github", "forgejo"] as const)
    for (const { file, text } of workflowsOf(policy(forge)))
      assert.deepEqual(lintWorkflow(file, text, policy(forge)), [], file);
});

test("the deploy key is in the deploy job alone, and no job writes", () => {
  const [check, deploy] = workflowsOf(policy("github"));
  assert.ok(!check!.text.includes("secrets.") && !check!.text.includes("deploy"));
  const [before, job] = deploy!.text.split("\n  deploy:\n");
  assert.ok(!before!.includes("secrets."));
  assert.equal(job!.match(/secrets\.NIXSEAL_DEPLOY_KEY/g)!.length, 1);
  assert.match(job!, /needs: \[verify, build\]\n    environment: production/);
  assert.match(check!.text, /head\.repo\.full_name == github\.repository/);
  for (const { text } of [check!, deploy!]) {
    assert.match(text, /^permissions: \{\}$/m);
    assert.doesNotMatch(text, /: write/);
  }
});

test("what a workflow may not do is found, in its own line", () => {
  const step = (line: string): string => `${good}      ${line}\n`;
  assert.deepEqual(ids(good.replace("pull_request:", "pull_request_target:")), ["ci-pull-request-target"]);
  assert.deepEqual(ids(step("- uses: actions/checkout@v4")), ["ci-unpinned-action"]);
  assert.deepEqual(ids(step("- uses: 'actions/checkout@main' # de0fac2e4500dabe0009e67214ff5f5447ce83dd")), [
    "ci-unpinned-action",
  ]);
  assert.deepEqual(ids(step('- "uses": docker://alpine:3')), ["ci-unpinned-action"]);
  assert.deepEqual(ids(step("- uses: ./local")), []);
  assert.deepEqual(ids(step("- run: age -d -i <(echo AGE-SECRET-KEY-1X) x")), ["ci-decryption-key"]);
  assert.deepEqual(ids(step("- env: { NIXSEAL_IDENTITY: /key }")), ["ci-decryption-key"]);
  assert.deepEqual(ids(step("- env: { K: '${{ secrets.SOPS_KEY }}' }")), ["ci-decryption-key", "ci-secret"]);
  assert.deepEqual(ids(step("- env: { K: '${{ secrets.OTHER }}' }")), ["ci-secret"]);
  assert.deepEqual(ids(step("- env: { K: \"${{ secrets[format('A{0}', 1)] }}\" }")), ["ci-secret"]);
  assert.deepEqual(ids(step("- env: { K: '${{ toJSON(Secrets) }}' }")), ["ci-secret"]);
  assert.deepEqual(ids(step("secrets: inherit")), ["ci-secret"]);
  assert.deepEqual(ids(step("- { uses: a/b@v1, with: {} }")), ["ci-unpinned-action"]);
  assert.deepEqual(ids(step("- run: nixseal secrets get db")), ["ci-decrypts"]);
  assert.deepEqual(ids(step('- run: echo " #"; nixseal secrets get db')), ["ci-decrypts"]);
  assert.deepEqual(ids(good.replace("contents: read", "contents: write")), ["ci-permissions"]);
  assert.deepEqual(ids(good.replace("permissions: {}", "permissions: write-all")), ["ci-permissions"]);
  assert.deepEqual(ids(good.replace("permissions: {}\n", "")), ["ci-permissions"]);
  assert.deepEqual(ids(step("# uses: a/b@v1, pull_request_target, secrets.OTHER")), []);
  const [finding] = lintWorkflow("w.yml", step("- uses: a/b@v1"), policy("github"));
  assert.equal(finding!.line, good.split("\n").length);
});

test("an action is replaced by a commit only, and nothing in the policy reaches YAML or a shell", () => {
  const commit = "0123456789abcdef0123456789abcdef01234567";
  const changed = withActions(pinnedActions("github"), [`mirror/checkout@${commit}`]);
  assert.equal(changed.checkout.name, "mirror/checkout");
  assert.deepEqual(changed.nix, pinnedActions("github").nix);
  for (const word of [
    "actions/checkout@v4",
    "actions/other@" + commit,
    "actions/checkout",
    `a b/checkout@${commit}`,
  ])
    assert.throws(() => withActions(pinnedActions("github"), [word]), NixsealError);
  for (const change of [
    { branch: "main]\n" },
    { environment: "a b" },
    { runner: "${{ x }}" },
    { deploySecret: "x" },
    { nixseal: "github:a/b' ; id" },
    { nixseal: "--impure" },
  ])
    assert.throws(
      () => checkedPolicy({ ...policy("github"), ...change }),
      NixsealError,
      JSON.stringify(change),
    );
});
