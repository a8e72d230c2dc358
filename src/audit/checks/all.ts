import type { Check } from "./check.ts";
import { workflowScriptChecks } from "./ci-scripts.ts";
import { workflowChecks } from "./ci.ts";
import { gitChecks } from "./git.ts";
import { hostNetworkChecks } from "./hst-network.ts";
import { hostChecks } from "./hst.ts";
import { lockChecks } from "./lck.ts";
import { nixChecks } from "./nix.ts";
import { privilegeChecks } from "./prv.ts";
import { secretFileChecks } from "./sec-files.ts";
import { secretOptionChecks } from "./sec-nix.ts";
import { sshChecks } from "./ssh.ts";
import { wholeChecks } from "./whole.ts";

/** What a family is about, for the documentation and reports. */
export const families: Readonly<Record<string, string>> = {
  SEC: "Secrets in the repository and in the store",
  SSH: "SSH",
  PRV: "Ways to root",
  NIX: "What Nix accepts, and from whom",
  LCK: "What is built from",
  GIT: "The repository",
  CI: "Workflows of the forge",
  HST: "The host",
};

/** Every check, in the order of the documentation. */
export const checks: readonly Check[] = [
  ...secretFileChecks,
  ...secretOptionChecks,
  ...sshChecks,
  ...privilegeChecks,
  ...nixChecks,
  ...lockChecks,
  ...gitChecks,
  ...workflowChecks,
  ...workflowScriptChecks,
  ...hostChecks,
  ...hostNetworkChecks,
  ...wholeChecks,
].sort((a, b) => order(a.id) - order(b.id) || (a.id < b.id ? -1 : 1));

export function familyOf(id: string): string {
  return /^[A-Z]+/.exec(id)?.[0] ?? "";
}

function order(id: string): number {
  return Object.keys(families).indexOf(familyOf(id));
}
