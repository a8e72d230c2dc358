/** What evaluated options say, beside what the source says: it answers what the source left open. */
import type { Check, OptionCheck } from "../checks/check.ts";
import { evaluationFailed } from "../checks/own.ts";
import { namesOf } from "../configuration/option-index.ts";
import type { Definition } from "../configuration/definitions.ts";
import { hole, isWhole } from "../configuration/value.ts";
import type { Findings, OptionPlace } from "../findings.ts";
import { printed } from "../nix-file.ts";
import type { EvaluatedHost } from "./evaluate-hosts.ts";
import { isMeant } from "./options.ts";
import { hostQuestions, type HostQuestion } from "./whole.ts";

/** What a check says of one option of one host. */
interface Judged {
  readonly check: OptionCheck;
  readonly host: string;
  readonly definition: Definition;
  readonly answer: ReturnType<OptionCheck["judge"]>;
}

/**
 * A place that the source left open is answered: by a finding with the place in the file when it is so on some host, by nothing
 * when every host could be evaluated and is fine. What only evaluation shows, because a module from elsewhere sets it, is a finding in flake.nix.
 */
export function applyEvaluation(
  findings: Findings,
  hosts: readonly EvaluatedHost[],
  asked: ReadonlyMap<string, readonly OptionCheck[]>,
  wanted: readonly Check[],
): void {
  for (const { host, options, reason } of hosts)
    if (options === null)
      findings.add(
        evaluationFailed,
        "flake.nix",
        { unknown: true, message: `host ${host} could not be evaluated`, evidence: reason },
        host,
      );
  const judged = judgedOptions(hosts, asked);
  const complete = hosts.every(({ options }) => options !== null);
  const said = new Set<Judged>();
  for (const place of findings.optionPlaces()) {
    const about = judged.filter((one) => one.check.id === place.check && isSame(place, one));
    const wrong = about.filter(({ answer }) => answer !== "fine" && answer !== "unknown");
    const known = complete && about.length > 0 && about.every(({ answer }) => answer !== "unknown");
    if (place.open && wrong.length > 0) findings.settle(place, evidenceOf(wrong), about[0]!.check);
    else if (place.open && known) findings.settle(place, null, about[0]!.check);
    for (const one of about) said.add(one);
  }
  for (const one of judged) if (!said.has(one)) add(findings, one);
  for (const question of hostQuestions) {
    const check = wanted.find(({ id }) => id === question.check);
    if (check !== undefined && hosts.length > 0) answerWhole(findings, hosts, question, check);
  }
}

/** What is so on some host is a finding; what is fine on every host is none, whatever the source looked like. */
function answerWhole(
  findings: Findings,
  hosts: readonly EvaluatedHost[],
  { isFine }: HostQuestion,
  check: Check,
): void {
  const answers = hosts.map(({ host, options }) => {
    const values = new Map((options ?? []).map(({ path, value }) => [path.join("."), value]));
    return { host, fine: options === null ? null : isFine((option) => values.get(option)) };
  });
  const wrong = answers.filter(({ fine }) => fine === false).map(({ host }) => ({ host }));
  if (wrong.length > 0) findings.settleAll(check, evidenceOf(wrong), "flake.nix");
  else if (answers.every(({ fine }) => fine === true)) findings.settleAll(check, null, "flake.nix");
}

function judgedOptions(
  hosts: readonly EvaluatedHost[],
  asked: ReadonlyMap<string, readonly OptionCheck[]>,
): Judged[] {
  const patterns = Array.from(asked, ([option, checks]) => ({ names: namesOf(option), checks }));
  return hosts.flatMap(({ host, options }) =>
    (options ?? []).flatMap(({ path, value }) => {
      const at = { offset: 0, line: 1, column: 1 };
      const definition: Definition = {
        path,
        at,
        value,
        expression: { kind: "variable", at, name: "config" },
        conditional: false,
        priority: 100,
        opened: false,
      };
      const checks = new Set(
        patterns.filter(({ names }) => isMeant(names, path)).flatMap((one) => one.checks),
      );
      return [...checks].map((check) => ({
        check,
        host,
        definition,
        answer: check.judge(value, definition),
      }));
    }),
  );
}

/** In a file, a module may lie in other things (one of them names the host); names that are computed may be any. */
function isSame({ path }: OptionPlace, { host, definition: { path: option } }: Judged): boolean {
  if (path.length < option.length) return false;
  const named = path[path.indexOf("nixosConfigurations") + 1];
  if (path.includes("nixosConfigurations") && named !== host && named !== hole) return false;
  const end = path.slice(path.length - option.length);
  return option.every((name, index) => end[index] === name || end[index] === hole);
}

function add(findings: Findings, { check, host, definition, answer }: Judged): void {
  if (answer === "fine") return findings.fine(check);
  const option = definition.path.join(".");
  if (answer === "unknown") {
    const problem = {
      unknown: true,
      message: `not known of ${host}: whether ${check.title}`,
      evidence: option,
    };
    return findings.add(check, "flake.nix", problem, `${host} ${option}`);
  }
  const message = `${answer.message ?? check.title} (host ${host})`;
  const shown =
    answer.secret === undefined && isWhole(definition.value) ? ` = ${printed(definition.value)}` : "";
  const evidence = answer.evidence ?? `evaluated: ${option}${shown}`;
  findings.add(
    check,
    "flake.nix",
    { ...answer, message, evidence },
    `${host} ${option}=${printed(definition.value)}`,
  );
}

function evidenceOf(wrong: readonly { readonly host: string }[]): string {
  const hosts = [...new Set(wrong.map(({ host }) => host))];
  const more = hosts.length > 5 ? ` and ${hosts.length - 5} more` : "";
  return `evaluated: so on ${hosts.slice(0, 5).join(", ")}${more}`;
}
