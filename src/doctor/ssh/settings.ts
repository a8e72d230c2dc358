/** What sshd does for the deploy user: as sshd itself says, else as its configuration reads. */
import { basename, dirname } from "node:path";
import { NixsealError } from "../../core/errors.ts";
import { utf8Text } from "../../core/bytes.ts";
import { matchesPatternList } from "../../ssh/pattern-list.ts";
import { readText, type DoctorHost } from "../host.ts";

export interface SshdSettings {
  /** Values by keyword in lower case; a keyword that is not there has sshd's default. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  /** Keywords that stand under a condition that cannot be told here. */
  readonly conditional: ReadonlySet<string>;
}

const configuration = "/etc/ssh/sshd_config";
const mostFiles = 64;
/** Keywords that may stand several times and add up. */
const lists: ReadonlySet<string> = new Set(["acceptenv"]);

export async function readSshd(host: DoctorHost): Promise<SshdSettings | null> {
  if (host.processes !== null) {
    const told = await askSshd(host.processes, host.deploy.name);
    if (told !== null) return told;
  }
  return (await readText(host, configuration)) === null ? null : readFiles(host);
}

/** `sshd -T -C` needs root (for the host keys); null where it does not work. */
async function askSshd(
  processes: NonNullable<DoctorHost["processes"]>,
  user: string,
): Promise<SshdSettings | null> {
  const connection = `user=${user},host=localhost,addr=127.0.0.1`;
  for (const program of ["/run/current-system/sw/bin/sshd", "/usr/sbin/sshd"])
    try {
      const { code, stdout } = await processes.run({
        program,
        args: ["-T", "-C", connection],
        timeout: 10_000,
      });
      if (code === 0)
        return { values: parseDump(utf8Text(stdout, "the output of sshd -T")), conditional: new Set() };
    } catch (error) {
      if (!(error instanceof NixsealError) || error.code !== "not-found") throw error;
    }
  return null;
}

function parseDump(text: string): Map<string, string[]> {
  const values = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const [, keyword, value] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
    if (keyword !== undefined && value !== undefined)
      values.set(keyword, [...(values.get(keyword) ?? []), value]);
  }
  return values;
}

/** sshd_config(5): what matches overrides what is global, and among each the first wins. */
async function readFiles(host: DoctorHost): Promise<SshdSettings> {
  const global = new Map<string, string[]>();
  const matched = new Map<string, string[]>();
  const conditional = new Set<string>();
  let count = 0;
  const readFile = async (file: string, outer: Condition): Promise<void> => {
    if ((count += 1) > mostFiles)
      throw new NixsealError("limit", "sshd_config includes too many files", { where: { file } });
    let condition = outer;
    for (const [index, raw] of ((await readText(host, file)) ?? "").split("\n").entries()) {
      const line = raw.trim();
      if (line === "" || line.startsWith("#")) continue;
      const [, word, rest] = /^([A-Za-z0-9]+)(?:\s*=\s*|\s+)(.*)$/.exec(line) ?? [];
      if (word === undefined || rest === undefined)
        throw new NixsealError("malformed", "this line of sshd_config is not understood", {
          where: { file, line: index + 1 },
        });
      const keyword = word.toLowerCase();
      const value = rest.replace(/^"(.*)"$/, "$1").trim();
      if (keyword === "match") condition = outer === "no" ? "no" : judge(value, host);
      else if (keyword === "include")
        for (const path of await filesOf(host, value)) await readFile(path, condition);
      else if (condition === "unknown") conditional.add(keyword);
      else if (condition !== "no") set(condition === "global" ? global : matched, keyword, value);
    }
  };
  await readFile(configuration, "global");
  return { values: new Map([...global, ...matched]), conditional };
}

type Condition = "global" | "yes" | "no" | "unknown";

function judge(criteria: string, { deploy }: DoctorHost): Condition {
  const words = criteria.split(/\s+/);
  if (words.length === 1 && words[0]!.toLowerCase() === "all") return "yes";
  let verdict: Condition = "yes";
  for (let i = 0; i < words.length; i += 2) {
    const kind = words[i]!.toLowerCase();
    const patterns = words[i + 1];
    if (patterns === undefined || (kind !== "user" && kind !== "group"))
      verdict = verdict === "no" ? "no" : "unknown";
    else {
      const names = kind === "user" ? [deploy.name] : deploy.groups;
      if (!names.some((name) => matchesPatternList(name, patterns))) verdict = "no";
    }
  }
  return verdict;
}

function set(values: Map<string, string[]>, keyword: string, value: string): void {
  const before = values.get(keyword);
  if (before === undefined) values.set(keyword, [value]);
  else if (lists.has(keyword)) before.push(value);
}

/** A path relative to /etc/ssh, with patterns in the last part only. */
async function filesOf(host: DoctorHost, value: string): Promise<string[]> {
  const paths: string[] = [];
  for (const word of value.split(/\s+/)) {
    const path = word.startsWith("/") ? word : `/etc/ssh/${word}`;
    const directory = dirname(path);
    if (/[*?[]/.test(directory))
      throw new NixsealError("malformed", "an include with a pattern in a directory is not understood", {
        where: { file: configuration },
      });
    if (!/[*?[]/.test(path)) paths.push(path);
    else if ((await host.files.status(`${host.root}${directory}`)) !== null)
      for (const name of await host.files.list(`${host.root}${directory}`))
        if (matchesPatternList(name, basename(path))) paths.push(`${directory}/${name}`);
  }
  return paths;
}
