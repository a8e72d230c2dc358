/** What the workflows run is held against the verbs that there are: nothing in them may be a word that the program does not know. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { parseArguments } from "../../cli/arguments.ts";
import { registry } from "../registry.ts";
import { lintWorkflow } from "./lint.ts";
import { forges, pinnedActions, type CiPolicy } from "./policy.ts";
import { workflowsOf } from "./workflow.ts";

const policy = (change: Partial<CiPolicy>): CiPolicy => ({
  version: 1,
  forge: "github",
  branch: "main",
  environment: "production",
  delivery: "push",
  runner: "ubuntu-latest",
  deploySecret: "NIXSEAL_DEPLOY_KEY",
  signersVariable: "TRUSTED_SIGNERS",
  nixseal: null,
  actions: pinnedActions("github"),
  ...change,
});

interface Job {
  readonly needs?: string | readonly string[];
  readonly permissions: object;
  readonly steps: readonly { readonly run?: string; readonly env?: Readonly<Record<string, string>> }[];
}

function jobsOf(text: string): Readonly<Record<string, Job>> {
  return (parse(text, { strict: true, uniqueKeys: true }) as { jobs: Record<string, Job> }).jobs;
}

/** As a shell splits it; quotes in the generated commands hold no quote. */
function wordsOf(line: string): string[] {
  return Array.from(line.matchAll(/'([^']*)'|(\S+)/g), ([, quoted, plain]) => quoted ?? plain!);
}

/** Throws what the program would throw at that command line. */
async function accept(words: readonly string[]): Promise<string> {
  const verb = [words[0]!, words.slice(0, 2).join(" ")].find((name) => Object.hasOwn(registry, name));
  assert.ok(verb !== undefined, `no verb: ${words.join(" ")}`);
  const op = await registry[verb]!.load();
  const { input } = parseArguments(words.slice(verb.split(" ").length), op.flags(), op.positional ?? []);
  const checked = op.check(input);
  assert.ok("input" in checked, JSON.stringify(checked));
  return verb;
}

test("every nixseal line of the workflows is one that the program takes", async () => {
  const verbs = new Set<string>();
  for (const forge of forges)
    for (const nixseal of [null, "github:example/nixseal/v1#nixseal"])
      for (const { text } of workflowsOf(policy({ forge, nixseal, actions: pinnedActions(forge) })))
        for (const { steps } of Object.values(jobsOf(text)))
          for (const line of steps.flatMap(({ run }) => run?.split("\n") ?? [])) {
            if (!line.includes("nixseal")) continue;
            const [, command] = / --command nixseal (.*)$/.exec(line) ?? [];
            assert.ok(command !== undefined, line);
            verbs.add(await accept(wordsOf(command)));
          }
  assert.deepEqual([...verbs].toSorted(), [
    "ci check",
    "commits verify",
    "deploy apply",
    "fleet check",
    "secrets check",
  ]);
  await assert.rejects(accept(wordsOf("deploy apply '*' --from-the-repo")), /unknown flag/);
});

test("CI signs nothing: what it deploys is what members have signed", () => {
  const [, { text }] = workflowsOf(policy({})) as [unknown, { text: string }];
  const { deploy } = jobsOf(text);
  assert.match(deploy!.steps.at(-1)!.run!, /nixseal deploy apply '\*' --signed --yes$/m);
  assert.deepEqual(deploy!.needs, ["verify", "build"]);
  assert.deepEqual(Object.keys(deploy!.steps.at(-1)!.env!), [
    "NIXSEAL_INTRODUCTION",
    "TRUSTED_SIGNERS",
    "DEPLOY_KEY",
  ]);
});

test("where hosts pull, no job has a secret, and one that somebody adds is found", () => {
  const pulling = policy({ delivery: "pull" });
  for (const { file, text } of workflowsOf(pulling)) {
    assert.deepEqual(Object.keys(jobsOf(text)), ["verify", "build"]);
    assert.doesNotMatch(text, /secrets\./);
    assert.deepEqual(lintWorkflow(file, text, pulling), []);
  }
  const [, { file, text }] = workflowsOf(policy({})) as [unknown, { file: string; text: string }];
  assert.deepEqual(
    lintWorkflow(file, text, pulling).map(({ id }) => id),
    ["ci-secret"],
  );
});
