import type { Fleet } from "../../inventory/model.ts";
import type { Root } from "../../trust/root/root.ts";
import type { CiPolicy } from "./policy.ts";
import { securityFile, securityMark, securityPage } from "./security-page.ts";
import { workflowMark, workflowsOf, type GeneratedFile } from "./workflow.ts";

/** Everything that follows from the policy, the root and the inventory. */
export function generatedFiles(fleet: Fleet, root: Root, policy: CiPolicy): GeneratedFile[] {
  return [...workflowsOf(policy), { file: securityFile, text: securityPage(fleet, root, policy) }];
}

/** Whether a file was made here, and may be made again. */
export function isOurs(text: string): boolean {
  return text.startsWith(workflowMark) || text.startsWith(securityMark);
}
