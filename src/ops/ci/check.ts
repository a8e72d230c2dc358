import * as z from "zod";
import { utf8Text } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Finding } from "../../core/finding.ts";
import { exitCodes } from "../../core/exit.ts";
import type { Files } from "../../core/file-ports.ts";
import { findingSchema, findingsText } from "../findings.ts";
import { openFleet } from "../fleet-context.ts";
import { op } from "../op.ts";
import { openTrust } from "../trust/open.ts";
import { generatedFiles } from "./generated.ts";
import { lintWorkflow } from "./lint.ts";
import { readCiPolicy } from "./policy.ts";
import type { GeneratedFile } from "./workflow.ts";

/** Every forge reads its own, and some read each other's. */
const directories = [".github/workflows", ".forgejo/workflows", ".gitea/workflows"];
const largest = 1 << 20;
const mostWorkflows = 1000;

export const ciCheck = op({
  effect: "read",
  input: z.object({}),
  output: z.object({ findings: z.array(findingSchema), files: z.array(z.string()) }),
  examples: [{ command: "nixseal ci check", says: "in CI and before a commit; exit code 1 with findings" }],
  run: async (context) => {
    const { files } = context;
    const { directory, fleet } = await openFleet(context);
    const policy = await readCiPolicy(files, directory);
    if (policy === null)
      throw new NixsealError("not-found", "there is no trust/ci.json", {
        hint: "'nixseal ci init --forge github' or '--forge forgejo' makes it",
      });
    const { root } = await openTrust(context, directory);
    const findings: Finding[] = [];
    const wanted = generatedFiles(fleet, root, policy);
    for (const file of wanted) findings.push(...(await drift(files, directory, file)));
    const workflows = await workflowFiles(files, directory);
    for (const file of workflows)
      findings.push(...lintWorkflow(file, await textOf(files, `${directory}/${file}`), policy));
    return { findings, files: [...new Set([...wanted.map(({ file }) => file), ...workflows])] };
  },
  text: ({ findings, files }, paint) =>
    findingsText(findings, paint, `${files.join(", ")}: as the policy says`),
  exit: ({ findings }) => (findings.length === 0 ? exitCodes.done : exitCodes.findings),
});

/** A file that is not what the policy gives, with the first line that differs. */
async function drift(
  files: Pick<Files, "read" | "statusOfLink">,
  directory: string,
  { file, text }: GeneratedFile,
): Promise<Finding[]> {
  const hint = "'nixseal ci init' writes it anew; if the change was meant, change the policy instead";
  const finding = { id: "ci-drift", severity: "high" as const, file, hint };
  if ((await files.statusOfLink(`${directory}/${file}`)) === null)
    return [{ ...finding, message: "is missing" }];
  const there = (await textOf(files, `${directory}/${file}`)).split("\n");
  const wanted = text.split("\n");
  const length = Math.max(there.length, wanted.length);
  for (let index = 0; index < length; index++)
    if (there[index] !== wanted[index])
      return [
        { ...finding, line: index + 1, message: "is not what the policy, the root and the inventory give" },
      ];
  return [];
}

async function workflowFiles(files: Pick<Files, "list" | "status">, directory: string): Promise<string[]> {
  const found: string[] = [];
  for (const parent of directories) {
    if ((await files.status(`${directory}/${parent}`))?.kind !== "directory") continue;
    for (const name of await files.list(`${directory}/${parent}`))
      if (/\.ya?ml$/.test(name)) found.push(`${parent}/${name}`);
  }
  if (found.length > mostWorkflows)
    throw new NixsealError("limit", `more than ${mostWorkflows} workflows`, { where: { file: directory } });
  return found;
}

async function textOf(files: Pick<Files, "read">, path: string): Promise<string> {
  return utf8Text(await files.read(path, { limit: largest, follow: false }), path);
}
