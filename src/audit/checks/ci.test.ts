import { testFixtures, type FileTree } from "../../../test/support/audit.ts";
import { workflowScriptChecks } from "./ci-scripts.ts";
import { workflowChecks } from "./ci.ts";

const pinned = "actions/checkout@0123456789abcdef0123456789abcdef01234567";
const file = (text: string, path = ".github/workflows/ci.yml"): FileTree => ({ [path]: text });
/** A workflow with one job of these steps. */
const steps = (list: string, on = "push", more = "permissions: { contents: read }"): FileTree =>
  file(
    `on: ${on}\n${more}\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n${list.replace(/^/gm, "      ")}\n`,
  );
const run = (script: string): FileTree => steps(`- run: |\n    ${script.replaceAll("\n", "\n    ")}`);
const head = `- uses: ${pinned}\n  with:\n    ref: \${{ github.event.pull_request.head.sha }}`;

testFixtures([...workflowChecks, ...workflowScriptChecks], {
  CI001: {
    bad: [
      steps(head, "pull_request_target"),
      steps(head, "[push, pull_request_target]"),
      steps("- run: gh pr checkout 1", "{ workflow_run: { workflows: [x] } }"),
      file(Object.values(steps(head, "pull_request_target"))[0] as string, ".forgejo/workflows/x.yaml"),
    ],
    good: [
      steps(head, "pull_request"),
      steps(`- uses: ${pinned}`, "pull_request_target"),
      { "docs/ci.yml": "on: pull_request_target" },
    ],
  },
  CI002: {
    bad: [
      steps("- uses: actions/checkout@v4"),
      steps("- uses: a/b@main"),
      file("on: push\njobs:\n  a:\n    uses: o/r/.github/workflows/x.yml@main\n"),
      file("runs:\n  using: composite\n  steps:\n    - uses: a/b@v1\n", ".github/actions/x/action.yml"),
    ],
    good: [
      steps(`- uses: ${pinned} # v4`),
      steps("- uses: ./local"),
      steps(`- uses: docker://alpine@sha256:${"a".repeat(64)}`),
    ],
  },
  CI003: {
    bad: [
      steps("- run: a", "push", "permissions: write-all"),
      file("on: push\npermissions: {}\njobs:\n  a:\n    permissions: write-all\n    steps: []\n"),
    ],
    good: [steps("- run: a"), steps("- run: a", "push", "permissions: read-all")],
  },
  CI004: {
    bad: [steps("- run: a", "push", "")],
    good: [steps("- run: a"), file("on: push\njobs:\n  a:\n    permissions: {}\n    steps: []\n")],
  },
  CI005: {
    bad: [
      steps("- run: x\n  env:\n    SOPS_AGE_KEY: ${{ secrets.KEY }}"),
      run("sops -d secrets.yaml"),
      run("age --decrypt -i k x.age"),
      run("agenix -d x.age"),
      run("git-crypt unlock"),
      steps("- run: x\n  env: { K: '${{ secrets.AGE_PRIVATE_KEY }}' }"),
    ],
    good: [
      run("nixseal secrets check"),
      run("age -e -R recipients x"),
      steps("- run: x\n  env: { T: '${{ secrets.DEPLOY_TOKEN }}' }"),
    ],
  },
  CI006: {
    bad: [run("echo ${{ secrets.TOKEN }} > x"), run("set -eux\ndeploy ${{ secrets.TOKEN }}")],
    good: [run("deploy < token"), run('echo "$TOKEN" | deploy')],
  },
  CI007: {
    bad: [
      run('echo "${{ github.event.pull_request.title }}"'),
      run("git checkout ${{ github.head_ref }}"),
      steps(`- uses: a/b@${"0".repeat(40)}\n  with:\n    script: "x(\${{ github.event.comment.body }})"`),
    ],
    good: [
      run("echo ${{ github.sha }}"),
      run("echo ${{ github.event.pull_request.number }}"),
      steps('- run: echo "$T"\n  env: { T: "${{ github.event.issue.title }}" }'),
    ],
  },
  CI008: {
    bad: [file("on: pull_request\njobs:\n  a:\n    runs-on: [self-hosted, linux]\n")],
    good: [
      file("on: push\njobs:\n  a:\n    runs-on: self-hosted\n"),
      file("on: pull_request\njobs:\n  a:\n    runs-on: ubuntu-latest\n"),
    ],
  },
  CI009: {
    bad: [
      run("curl -sSf https://x/i | sh"),
      run("bash <(curl -L https://x)"),
      run("wget -qO- https://x | sudo bash"),
    ],
    good: [run("curl -o x https://x"), run("curl https://x | jq .")],
  },
  CI010: {
    bad: [
      file("on: push\njobs:\n  a:\n    uses: ./x.yml\n    secrets: inherit\n"),
      steps("- run: x\n  env: { ALL: '${{ toJSON(secrets) }}' }"),
    ],
    good: [file("on: push\njobs:\n  a:\n    uses: ./x.yml\n    secrets: { A: '${{ secrets.A }}' }\n")],
  },
  CI011: {
    bad: [
      run("nixos-rebuild switch --target-host root@h"),
      run("nix copy --to ssh://root@h ./result"),
      run("ssh root@h true"),
    ],
    good: [run("ssh deploy@h true"), run("mail root@h")],
  },
});
