/** `trust/ci.json`: what the workflows of this fleet were made from, so that they can be made again and compared. */
import { utf8 } from "../../core/bytes.ts";
import { at, NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import { nullable, object, oneOf, text, type Check } from "../../core/shape.ts";
import { asMalformed, parseJson } from "../../trust/root/root.ts";

export const forges = ["github", "forgejo"] as const;

export const deliveries = ["push", "pull"] as const;

export interface CiPolicy {
  readonly version: 1;
  readonly forge: (typeof forges)[number];
  /** What is deployed. */
  readonly branch: string;
  /** Whose reviewers approve a deployment, where the forge has such a thing. */
  readonly environment: string;
  /** Whether CI brings members' orders to the hosts, or they fetch them, and CI needs no key at all. */
  readonly delivery: (typeof deliveries)[number];
  /** `runs-on`. */
  readonly runner: string;
  /** The forge's secret with the private half of the deploy key. */
  readonly deploySecret: string;
  /** The forge's variable with allowed signers, for repositories that do not name the team. */
  readonly signersVariable: string | null;
  /** Where `nix shell` finds nixseal; null takes the flake's input of that name, as its lock file has it. */
  readonly nixseal: string | null;
  readonly actions: Readonly<Record<ActionName, Action>>;
}

/** What the workflows use, pinned: a tag can be moved to other code by whoever owns the action. */
export interface Action {
  /** As in `uses:`, without the commit. */
  readonly name: string;
  readonly commit: string;
  /** For people, in a comment. */
  readonly release: string;
}

export type ActionName = "checkout" | "nix";

export const ciPolicyFile = "trust/ci.json";

/** Commits of the actions' own repositories, with the release whose tag they carry. */
export function pinnedActions(forge: CiPolicy["forge"]): CiPolicy["actions"] {
  const from = forge === "github" ? "" : "https://github.com/";
  return {
    checkout:
      forge === "github"
        ? { name: "actions/checkout", commit: "de0fac2e4500dabe0009e67214ff5f5447ce83dd", release: "v6.0.2" }
        : // The last that runs on the Node 20 of older runners.
          {
            name: `${from}actions/checkout`,
            commit: "11bd71901bbe5b1630ceea73d27597364c9af683",
            release: "v4.2.2",
          },
    nix: {
      name: `${from}cachix/install-nix-action`,
      commit: "2126ae7fc54c9df00dd18f7f18754393182c73cd",
      release: "v31.9.1",
    },
  };
}

const pattern = (regex: RegExp, expected: string): Check<string> =>
  text((given) => regex.test(given), expected);

/** All of these end up in YAML and in shell commands: nothing in them may mean something there. */
export const ciFields = {
  branch: { pattern: /^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$/, expected: "the name of a branch" },
  environment: { pattern: /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, expected: "the name of an environment" },
  runner: { pattern: /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, expected: "the label of a runner" },
  variable: { pattern: /^[A-Z][A-Z0-9_]{0,63}$/, expected: "a name of capital letters, digits and '_'" },
  flake: {
    pattern: /^[A-Za-z0-9][A-Za-z0-9+._:/?=&%-]{0,254}(?:#[A-Za-z0-9._-]{1,64})?$/,
    expected: "a flake reference",
  },
  action: {
    pattern: /^(?:https:\/\/[A-Za-z0-9.-]+\/)?[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+){1,4}$/,
    expected: "an action's name",
  },
  commit: { pattern: /^[0-9a-f]{40}$/, expected: "a commit of 40 hex digits" },
  release: { pattern: /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, expected: "a release" },
} as const;

const field = ({ pattern: regex, expected }: { pattern: RegExp; expected: string }): Check<string> =>
  pattern(regex, expected);

const action = object({
  name: field(ciFields.action),
  commit: field(ciFields.commit),
  release: field(ciFields.release),
});

const shape = object({
  version: oneOf(1),
  forge: oneOf(...forges),
  branch: field(ciFields.branch),
  environment: field(ciFields.environment),
  delivery: oneOf(...deliveries),
  runner: field(ciFields.runner),
  deploySecret: field(ciFields.variable),
  signersVariable: nullable(field(ciFields.variable)),
  nixseal: nullable(field(ciFields.flake)),
  actions: object({ checkout: action, nix: action }),
});

/** Null when there is none. `malformed` when it is damaged. */
export async function readCiPolicy(
  files: Pick<Files, "read" | "statusOfLink">,
  directory: string,
): Promise<CiPolicy | null> {
  const path = `${directory}/${ciPolicyFile}`;
  if ((await files.statusOfLink(path)) === null) return null;
  try {
    const bytes = await files.read(path, { limit: 64 << 10, follow: false });
    const value = parseJson(bytes, "the CI policy");
    // Files that were written before there was a choice.
    const whole = typeof value === "object" && value !== null ? { delivery: "push", ...value } : value;
    return asMalformed(() => checkedPolicy(whole));
  } catch (error) {
    throw at(error, { file: ciPolicyFile });
  }
}

/** Also for what came from the command line. */
export function checkedPolicy(value: unknown): CiPolicy {
  return shape(value, "ci");
}

export function formatCiPolicy(policy: CiPolicy): Uint8Array {
  return utf8(`${JSON.stringify(policy, null, 2)}\n`);
}

/** `NAME@COMMIT` in place of the pinned action whose last word is the same. */
export function withActions(policy: CiPolicy["actions"], given: readonly string[]): CiPolicy["actions"] {
  const actions: Record<ActionName, Action> = { ...policy };
  for (const word of given) {
    const [name = "", commit = ""] = word.split("@");
    const last = (path: string): string => path.split("/").at(-1)!;
    const slot = (Object.keys(actions) as ActionName[]).find((key) => last(actions[key].name) === last(name));
    if (slot === undefined || !ciFields.commit.pattern.test(commit))
      throw new NixsealError(
        "usage",
        `--action: '${word.slice(0, 120)}' is not NAME@COMMIT of an action in use`,
        {
          hint: `the actions are ${Object.values(policy)
            .map((one) => one.name)
            .join(" and ")}; a commit has 40 hex digits`,
        },
      );
    actions[slot] = { name: field(ciFields.action)(name, "--action"), commit, release: "chosen-by-you" };
  }
  return actions;
}
