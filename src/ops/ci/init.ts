import * as z from "zod";
import { utf8 } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import { withLockedFleet } from "../locked-fleet.ts";
import { matching } from "../matching.ts";
import { op } from "../op.ts";
import { openTrust } from "../trust/open.ts";
import {
  checkedPolicy,
  ciFields,
  ciPolicyFile,
  deliveries,
  forges,
  formatCiPolicy,
  pinnedActions,
  readCiPolicy,
  withActions,
  type CiPolicy,
} from "./policy.ts";
import { generatedFiles, isOurs } from "./generated.ts";

const input = z.object({
  forge: z.enum(forges).describe("where the repository is (default: as before)").optional(),
  branch: matching(ciFields.branch)
    .meta({ value: "BRANCH" })
    .describe("what is deployed (default: main)")
    .optional(),
  environment: matching(ciFields.environment)
    .meta({ value: "NAME" })
    .describe("whose reviewers approve a deployment (default: production)")
    .optional(),
  delivery: z
    .enum(deliveries)
    .optional()
    .describe("push: the deploy job brings hosts what members ordered; pull: hosts fetch it (default: push)"),
  runner: matching(ciFields.runner)
    .meta({ value: "LABEL" })
    .describe("runs-on (default: ubuntu-latest or docker)")
    .optional(),
  deploySecret: matching(ciFields.variable)
    .meta({ value: "NAME" })
    .describe("the forge's secret that holds the deploy key (default: NIXSEAL_DEPLOY_KEY)")
    .optional(),
  signersVariable: matching(ciFields.variable)
    .meta({ value: "NAME" })
    .describe("the forge's variable that holds allowed signers (default: the policy in history)")
    .optional(),
  nixseal: matching(ciFields.flake)
    .meta({ value: "FLAKEREF" })
    .describe("where CI takes nixseal from (default: the flake's input 'nixseal', as locked)")
    .optional(),
  action: z
    .array(z.string())
    .default([])
    .meta({ value: "NAME@COMMIT" })
    .describe("another version of an action"),
  force: z.boolean().default(false).describe("replace files that were not made by this verb"),
});

export const ciInit = op({
  effect: "write",
  input,
  output: z.object({
    policy: z.string(),
    delivery: z.enum(deliveries),
    written: z.array(z.string()),
    unchanged: z.array(z.string()),
  }),
  examples: [
    { command: "nixseal ci init --forge github", says: "workflows, and SECURITY.md from the real policy" },
    { command: "nixseal ci init", says: "again, after the fleet or its root has changed" },
  ],
  run: async (context, given) =>
    withLockedFleet(context, "ci init", false, async ({ directory, fleet }) => {
      const { files } = context;
      const policy = policyFrom(await readCiPolicy(files, directory), given);
      const { root } = await openTrust(context, directory);
      const wanted = generatedFiles(fleet, root, policy);
      const written: string[] = [];
      const unchanged: string[] = [];
      for (const { file, text } of wanted) {
        const there = await contentOf(files, `${directory}/${file}`);
        if (there !== null && !isOurs(there) && !given.force)
          throw new NixsealError("conflict", "somebody else made this file", {
            hint: "move it away, or --force replaces it; nothing was changed",
            where: { file },
          });
        (there === text ? unchanged : written).push(file);
      }
      for (const { file, text } of wanted) {
        if (!written.includes(file)) continue;
        const path = `${directory}/${file}`;
        await files.makeDirectory(path.slice(0, path.lastIndexOf("/")), { mode: 0o755, parents: true });
        await files.writeAtomic(path, utf8(text), { mode: 0o644 });
      }
      await files.writeAtomic(`${directory}/${ciPolicyFile}`, formatCiPolicy(policy), { mode: 0o644 });
      return { policy: ciPolicyFile, delivery: policy.delivery, written, unchanged };
    }),
  text: ({ policy, written, unchanged, delivery }) => `${[
    ...written.map((file) => `wrote ${file}`),
    ...unchanged.map((file) => `${file} is up to date`),
  ].join("\n")}
from ${policy} and the root

Next: ${
    delivery === "push"
      ? "give the deploy job its key (see docs/ci.md), protect the branch, and set the environment's reviewers"
      : "protect the branch (see docs/ci.md)"
  }`,
});

/** What is not said stays as it was. */
function policyFrom(before: CiPolicy | null, given: z.output<typeof input>): CiPolicy {
  const forge = given.forge ?? before?.forge;
  if (forge === undefined)
    throw new NixsealError("usage", "--forge is missing", { hint: `--forge ${forges.join(" or --forge ")}` });
  const same = before?.forge === forge ? before : null;
  return checkedPolicy({
    version: 1,
    forge,
    branch: given.branch ?? before?.branch ?? "main",
    environment: given.environment ?? before?.environment ?? "production",
    delivery: given.delivery ?? before?.delivery ?? "push",
    runner: given.runner ?? same?.runner ?? (forge === "github" ? "ubuntu-latest" : "docker"),
    deploySecret: given.deploySecret ?? before?.deploySecret ?? "NIXSEAL_DEPLOY_KEY",
    signersVariable: given.signersVariable ?? before?.signersVariable ?? null,
    nixseal: given.nixseal ?? before?.nixseal ?? null,
    actions: withActions(same?.actions ?? pinnedActions(forge), given.action),
  });
}

async function contentOf(files: Pick<Files, "read" | "statusOfLink">, path: string): Promise<string | null> {
  if ((await files.statusOfLink(path)) === null) return null;
  return Buffer.from(await files.read(path, { limit: 1 << 20, follow: false })).toString("utf8");
}
