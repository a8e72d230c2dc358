/** Whether the deploy user can become root by sudo beside the gate, or anybody by rules with patterns. */
import { NixsealError } from "../../core/errors.ts";
import { utf8Text } from "../../core/bytes.ts";
import type { DoctorFinding, Findings } from "../finding.ts";
import { readText, type Account, type DoctorHost } from "../host.ts";
import { rulesFromJson } from "./json.ts";
import { faultOf, type SudoRule, type SudoUser } from "./rule.ts";
import { rulesFromText } from "./text.ts";

const sudoers = "/etc/sudoers";
/** What deployment tools are given rules for, and nobody should be. */
const deploying = /(?:nix-env|switch-to-configuration|nixos-rebuild|nix-store|nix-daemon|\bnix\b)/;

export async function* checkSudo(host: DoctorHost): Findings {
  yield* checkDoas(host);
  if ((await host.files.statusOfLink(`${host.root}${sudoers}`)) === null) return;
  const rules = await readRules(host);
  for (const rule of rules) {
    const applies = appliesTo(rule, host.deploy);
    if (rule.negated) continue; // taking away is no protection: sudoers(5) says so of "ALL, !/bin/sh"
    if (applies === "unknown") {
      yield finding(
        rule,
        "medium",
        "unknown",
        `whether ${host.deploy.name} may use this rule cannot be told here: ${rule.command}`,
      );
      continue;
    }
    const fault = faultOf(rule.command);
    if (applies === "no") {
      const isRoot = rule.users.every(
        ({ kind, name }) => (kind === "user" && name === "root") || (kind === "uid" && name === "0"),
      );
      if (fault?.severity === "critical" && rule.command !== "ALL" && deploying.test(rule.command) && !isRoot)
        yield finding(rule, "high", "affected", `${namesOf(rule)} may run as root ${fault.reason}`);
      continue;
    }
    if (fault !== null)
      yield finding(rule, fault.severity, "affected", `${host.deploy.name} may run as root ${fault.reason}`);
    else if (rule.setEnvironment)
      yield finding(
        rule,
        "critical",
        "affected",
        `${host.deploy.name} may set the environment of what it runs as root (NODE_OPTIONS, LD_PRELOAD)`,
      );
  }
}

async function readRules(host: DoctorHost): Promise<SudoRule[]> {
  if (host.processes !== null)
    try {
      const args = ["-e", "-f", "json", sudoers];
      const { code, stdout } = await host.processes.run({ program: "cvtsudoers", args, timeout: 10_000 });
      if (code === 0) return rulesFromJson(utf8Text(stdout, "the output of cvtsudoers"), sudoers);
    } catch (error) {
      // Not installed; or one of the versions whose JSON is none when a rule has CWD=.
      if (!(error instanceof NixsealError) || !["not-found", "malformed"].includes(error.code)) throw error;
    }
  return rulesFromText(host, sudoers);
}

/** The last match wins in sudoers(5); a negated entry after a positive one is too rare to be relied on: then it is unknown. */
function appliesTo({ users }: SudoRule, deploy: Account): "yes" | "no" | "unknown" {
  const matches = users.map((user) => ({ user, match: matchOf(user, deploy) }));
  const hit = matches.filter(({ match }) => match === "yes");
  if (hit.length > 0)
    return hit.every(({ user }) => !user.negated)
      ? "yes"
      : hit.every(({ user }) => user.negated)
        ? "no"
        : "unknown";
  return matches.some(({ match, user }) => match === "unknown" && !user.negated) ? "unknown" : "no";
}

function matchOf({ kind, name }: SudoUser, deploy: Account): "yes" | "no" | "unknown" {
  switch (kind) {
    case "user":
      return name === "ALL" || name === deploy.name ? "yes" : "no";
    case "uid":
      return deploy.uid === null ? "unknown" : Number(name) === deploy.uid ? "yes" : "no";
    case "group":
      return deploy.groups.includes(name) ? "yes" : "no";
    case "gid":
    case "other":
      return "unknown";
    default:
      return kind satisfies never;
  }
}

function namesOf({ users }: SudoRule): string {
  return users
    .map(({ kind, name, negated }) => `${negated ? "not " : ""}${kind === "group" ? "%" : ""}${name}`)
    .join(", ");
}

/** doas.conf(5): one rule a line; without a user after the options it is for everybody. */
async function* checkDoas(host: DoctorHost): Findings {
  const text = await readText(host, "/etc/doas.conf");
  for (const [index, raw] of (text ?? "").split("\n").entries()) {
    const line = raw.replace(/#.*$/, "").trim();
    if (!line.startsWith("permit")) continue;
    const groups = [host.deploy.name, ...host.deploy.groups.map((group) => `:${group}`)];
    const words = line.split(/\s+/);
    if (!words.some((word) => groups.includes(word))) continue;
    if (/\bcmd \S+\/nixseal-agent args activate$/.test(line)) continue;
    const rule = { file: "/etc/doas.conf", line: index + 1 };
    yield finding(
      rule,
      "critical",
      "affected",
      `${host.deploy.name} may run commands as root by doas: ${line}`,
    );
  }
}

function finding(
  { file, line }: { readonly file: string; readonly line: number | undefined },
  severity: DoctorFinding["severity"],
  verdict: DoctorFinding["verdict"],
  message: string,
): DoctorFinding {
  return {
    id: "sudo-rules",
    severity,
    verdict,
    file,
    line,
    message,
    enables: ["wildcard-sudo"],
    hint: "leave one rule: DEPLOY ALL=(root) NOPASSWD: /path/to/nixseal-agent activate; or none, with the gate's socket",
  };
}
