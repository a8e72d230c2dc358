import { posix } from "node:path";
import { NixsealError } from "../../core/errors.ts";
import type { Fleet } from "../../inventory/model.ts";
import { ownersOfKeys, requireDistinctNames, secretName } from "./taken.ts";

/** A secret as agenix's rules file has it: a file beside the rules, and the public keys it is for. */
export interface AgenixRule {
  /** Relative to the directory of the rules file, `NAME.age`. */
  readonly file: string;
  readonly publicKeys: readonly string[];
}

/** The same in the inventory's words. */
export interface TakenRule {
  readonly name: string;
  readonly file: string;
  readonly hosts: readonly string[];
  readonly readers: readonly string[];
}

export const agenixLimit = 16 << 20;
const mostRules = 10_000;

/** The rules as `nix-instantiate --eval --json --strict` prints them. `malformed` with the rule that is wrong. */
export function parseAgenixRules(json: string): AgenixRule[] {
  const value: unknown = JSON.parse(json);
  if (!isObject(value)) throw malformed("the rules are not an attribute set");
  const rules = Object.entries(value);
  if (rules.length > mostRules) throw new NixsealError("limit", `more than ${mostRules} rules`);
  return rules.map(([file, rule]) => {
    if (!isObject(rule) || !isTexts(rule["publicKeys"])) throw malformed(`'${file}' has no list publicKeys`);
    if (!file.endsWith(".age") || file.startsWith("/") || posix.normalize(file).startsWith(".."))
      throw malformed(`'${file}' is not a .age file below the rules file`);
    return { file, publicKeys: rule["publicKeys"] };
  });
}

function nameOfRule(file: string): string {
  return secretName(file.replace(/\.age$/, ""));
}

/** Finds the rules' keys among the hosts and members. Error `config` names every key that nobody has. */
export function takeRules(rules: readonly AgenixRule[], fleet: Fleet): TakenRule[] {
  const owners = ownersOfKeys(
    rules.map(({ file, publicKeys }) => ({ what: file, keys: publicKeys })),
    fleet,
  );
  const taken = rules.map(({ file }, index) => ({ name: nameOfRule(file), file, ...owners[index]! }));
  requireDistinctNames(taken.map(({ name, file }) => ({ name, what: file })));
  return taken;
}

function malformed(problem: string): NixsealError {
  return new NixsealError("malformed", problem, {
    hint: "give the rules file that `agenix` reads, usually secrets.nix",
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
