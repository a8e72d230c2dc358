/** The workflows as text. What they may do is said once, here; `lint.ts` looks at whatever workflows there are. */
import type { Action, CiPolicy } from "./policy.ts";

export interface GeneratedFile {
  /** Relative to the fleet's directory. */
  readonly file: string;
  readonly text: string;
}

export function workflowDirectory({ forge }: Pick<CiPolicy, "forge">): string {
  return forge === "github" ? ".github/workflows" : ".forgejo/workflows";
}

/** The check of every change, without any secret; and the deployment of the branch, with the deploy key in its last job. */
export function workflowsOf(policy: CiPolicy): GeneratedFile[] {
  const directory = workflowDirectory(policy);
  return [
    { file: `${directory}/nixseal-check.yml`, text: checkWorkflow(policy) },
    { file: `${directory}/nixseal-deploy.yml`, text: deployWorkflow(policy) },
  ];
}

export const workflowMark = "# Made by 'nixseal ci init'";

const header = `${workflowMark} from trust/ci.json; 'nixseal ci check' tells when they differ.
# No job here has a key that decrypts anything, and none can sign anything.
`;

/** Forks run nothing: their code would run beside the repository's own cache and token. */
const notFromFork =
  "github.event_name != 'pull_request' || github.event.pull_request.head.repo.full_name == github.repository";

function checkWorkflow(policy: CiPolicy): string {
  return `${header}name: nixseal check

on:
  pull_request:
  push:
    branches-ignore: [${policy.branch}]

permissions: {}

concurrency:
  group: nixseal-check-\${{ github.ref }}
  cancel-in-progress: true

jobs:
${verifyJob(policy, `    if: ${notFromFork}\n`)}
${buildJob(policy)}`;
}

function deployWorkflow(policy: CiPolicy): string {
  return `${header}name: nixseal deploy

on:
  push:
    branches: [${policy.branch}]

permissions: {}

# One deployment after another; one that has begun is never cut off.
concurrency:
  group: nixseal-deploy
  cancel-in-progress: false

jobs:
${verifyJob(policy, "")}
${buildJob(policy)}${policy.delivery === "push" ? `\n${deployJob(policy)}` : ""}`;
}

function verifyJob(policy: CiPolicy, condition: string): string {
  return `  verify:
${condition}${jobHead(policy, 15)}${steps(policy, 0)}
      - name: commits are signed by who may change what they change
        env:
${whoSigns(policy)}        run: ${nixseal(policy, "commits verify")}
      - name: the inventory is sound
        run: ${nixseal(policy, "fleet check")}
      - name: secrets are encrypted to the right keys (needs no key)
        run: ${nixseal(policy, "secrets check")}
      - name: workflows and SECURITY.md say what the policy says
        run: ${nixseal(policy, "ci check")}
`;
}

/** Variables of a step that judges commits. */
function whoSigns({ signersVariable }: CiPolicy): string {
  const signers =
    signersVariable === null ? "" : `          TRUSTED_SIGNERS: \${{ vars.${signersVariable} }}\n`;
  return `          # The commit that the policy is believed from. A variable of the forge: a commit must not choose it.
          NIXSEAL_INTRODUCTION: \${{ vars.NIXSEAL_INTRODUCTION }}
${signers}`;
}

function buildJob(policy: CiPolicy): string {
  return `  build:
    needs: verify
${jobHead(policy, 120)}${steps(policy, 1)}
      - name: build every host
        run: |
          hosts=$(nix eval --raw .#nixosConfigurations --apply 'c: builtins.concatStringsSep " " (builtins.attrNames c)')
          for host in $hosts; do
            nix build --no-link --print-build-logs ".#nixosConfigurations.\\"$host\\".config.system.build.toplevel"
          done
`;
}

/** What a deployment is; SECURITY.md says in `whatHostsAsk` what hosts demand of it. No key here signs: what no member ordered is not done. */
const deployCommand = "deploy apply '*' --signed --yes";

function deployJob(policy: CiPolicy): string {
  return `  deploy:
    needs: [verify, build]
    environment: ${policy.environment}
${jobHead(policy, 120)}${steps(policy, 0)}
      # Brings what members have signed in warrants/, built from the commits that they name. Only here is the deploy key in reach.
      - name: bring hosts what members have ordered
        env:
${whoSigns(policy)}          DEPLOY_KEY: \${{ secrets.${policy.deploySecret} }}
        run: |
          eval "$(ssh-agent -s)" >/dev/null
          trap 'ssh-agent -k >/dev/null' EXIT
          printf '%s\\n' "$DEPLOY_KEY" | ssh-add -q -
          unset DEPLOY_KEY
          ${nixseal(policy, deployCommand)}
`;
}

function jobHead(policy: CiPolicy, minutes: number): string {
  return `    runs-on: ${policy.runner}
    timeout-minutes: ${minutes}
    permissions:
      contents: read
    steps:
`;
}

/**
 * The whole history where commits are verified; the token never stays behind in `.git/config`. Of a pull request its
 * own last commit: the forge's trial merge is signed by nobody.
 */
function steps({ actions }: CiPolicy, depth: number): string {
  return `      - uses: ${pinned(actions.checkout)}
        with:
          ref: \${{ github.event.pull_request.head.sha || github.sha }}
          fetch-depth: ${depth}
          persist-credentials: false
      - uses: ${pinned(actions.nix)}`;
}

function pinned({ name, commit, release }: Action): string {
  return `${name}@${commit} # ${release}`;
}

function nixseal({ nixseal: flake }: CiPolicy, words: string): string {
  const from = flake === null ? "--inputs-from . nixseal#nixseal" : `'${flake}'`;
  return `nix shell ${from} --command nixseal ${words}`;
}
