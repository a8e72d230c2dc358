/**
 * sudoers(5) read by ourselves, where sudo's own `cvtsudoers` is not there or speaks of another root. What is not understood is
 * `malformed`, never passed over: the check then says that it does not know.
 */
import { dirname, join } from "node:path";
import { NixsealError } from "../../core/errors.ts";
import { readText, type DoctorHost } from "../host.ts";
import type { SudoRule, SudoUser } from "./rule.ts";

interface SudoLine {
  readonly text: string;
  readonly file: string;
  readonly line: number;
}

type Aliases = ReadonlyMap<string, readonly string[]>;

const mostFiles = 256;
const mostItems = 10_000;
const tags = /^(?:(?:NO)?(?:PASSWD|EXEC|SETENV|LOG_INPUT|LOG_OUTPUT|MAIL|FOLLOW|INTERCEPT)):\s*/;
const options =
  /^(?:ROLE|TYPE|PRIVS|LIMITPRIVS|CWD|CHROOT|TIMEOUT|NOTBEFORE|NOTAFTER|APPARMOR_PROFILE)=(?:"[^"]*"|\S+)\s*/;

export async function rulesFromText(
  host: Pick<DoctorHost, "files" | "root">,
  path: string,
): Promise<SudoRule[]> {
  const lines = await readLines(host, path);
  const aliases = { User: new Map<string, string[]>(), Cmnd: new Map<string, string[]>() };
  const specs: SudoLine[] = [];
  for (const line of lines) {
    if (/^Defaults(?:[\s:@!>]|$)/.test(line.text)) continue;
    const alias = /^(User|Cmnd|Cmd|Host|Runas)_Alias\s+(.*)$/s.exec(line.text);
    if (alias === null) specs.push(line);
    else for (const one of split(alias[2]!, ":")) readAlias(aliases, alias[1]!, one, line);
  }
  return specs.flatMap((line) => rulesOf(line, aliases.User, aliases.Cmnd));
}

/** Logical lines of a file and of those that it includes, without comments. */
async function readLines(host: Pick<DoctorHost, "files" | "root">, path: string): Promise<SudoLine[]> {
  const lines: SudoLine[] = [];
  let count = 0;
  const readFile = async (file: string): Promise<void> => {
    if ((count += 1) > mostFiles)
      throw new NixsealError("limit", "sudoers includes too many files", { where: { file } });
    const text = await readText(host, file);
    if (text === null)
      throw new NixsealError("not-found", "a file of sudoers is missing", { where: { file } });
    for (const line of logicalLines(text, file)) {
      const include = /^[@#]include(dir)?\s+(?:"([^"]+)"|(\S+))$/.exec(line.text);
      if (include === null) {
        if (!line.text.startsWith("#") || /^#\d/.test(line.text)) lines.push(line);
        continue;
      }
      const target = include[2] ?? include[3]!;
      if (target.includes("%")) throw odd(line, "an include with % is");
      const whole = target.startsWith("/") ? target : join(dirname(file), target);
      if (include[1] === undefined) await readFile(whole);
      else for (const name of await included(host, whole)) await readFile(join(whole, name));
    }
  };
  await readFile(path);
  return lines;
}

/** sudoers(5): names that end in ~ or contain a dot are skipped. */
async function included(host: Pick<DoctorHost, "files" | "root">, directory: string): Promise<string[]> {
  if ((await host.files.status(`${host.root}${directory}`)) === null) return [];
  const names = await host.files.list(`${host.root}${directory}`);
  return names.filter((name) => !name.endsWith("~") && !name.includes("."));
}

function logicalLines(text: string, file: string): SudoLine[] {
  const lines: SudoLine[] = [];
  let start = 0;
  let whole = "";
  for (const [index, raw] of text.split("\n").entries()) {
    if (whole === "") start = index;
    whole += raw.replace(/\\$/, " ");
    if (raw.endsWith("\\")) continue;
    // "#" begins a comment, but not in "#1000" and "#include", nor behind a backslash.
    const isComment = /^\s*#(?!\d|include)/.test(whole);
    const shown = isComment ? "" : whole.replace(/(^|\s)#(?!\d|include).*$/s, "$1").trim();
    if (shown !== "") lines.push({ text: shown, file, line: start + 1 });
    whole = "";
  }
  return lines;
}

function readAlias(
  aliases: { readonly User: Map<string, string[]>; readonly Cmnd: Map<string, string[]> },
  kind: string,
  text: string,
  line: SudoLine,
): void {
  const [, name, members] = /^\s*([A-Z][A-Z0-9_]*)\s*\+?=\s*(.*)$/s.exec(text) ?? [];
  if (name === undefined || members === undefined) throw odd(line, "this alias is");
  const map = kind === "User" ? aliases.User : kind === "Cmnd" || kind === "Cmd" ? aliases.Cmnd : null;
  map?.set(name, [...(map.get(name) ?? []), ...split(members, ",")]);
}

/** `USERS HOSTS = [(RUNAS)] [TAGS:] COMMANDS [: HOSTS = …]`. Host lists are not evaluated: each is taken as this host's. */
function rulesOf(line: SudoLine, users: Aliases, commands: Aliases): SudoRule[] {
  const end = endOfList(line.text);
  const [who, rest] = [line.text.slice(0, end), line.text.slice(end)];
  if (rest === "") throw odd(line, "this line is");
  const named = expand(split(who, ","), users, line).map(({ item, negated }) => userOf(item, negated));
  return split(rest, ":", /^[^=:]*=/).flatMap((part) => {
    const equals = part.indexOf("=");
    if (equals === -1) throw odd(line, "this line is");
    let setEnvironment = false;
    return split(part.slice(equals + 1), ",").flatMap((item) => {
      let command = item.trim().replace(/^\([^)]*\)\s*/, "");
      for (
        let tag = tags.exec(command) ?? options.exec(command);
        tag !== null;
        tag = tags.exec(command) ?? options.exec(command)
      ) {
        if (tag[0].startsWith("SETENV")) setEnvironment = true;
        if (tag[0].startsWith("NOSETENV")) setEnvironment = false;
        command = command.slice(tag[0].length).replace(/^\([^)]*\)\s*/, "");
      }
      const given = setEnvironment;
      return expand([command], commands, line).map(({ item: one, negated }) => ({
        users: named,
        command: one.replace(/^(?:sha(?:224|256|384|512):\S+\s*,?\s*)+/, "").replace(/\\([,:=])/g, "$1"),
        negated,
        setEnvironment: given || one === "ALL", // sudoers(5): ALL implies SETENV
        file: line.file,
        line: line.line,
      }));
    });
  });
}

/** Where white space stands that is not beside a comma, nor quoted or behind a backslash. */
function endOfList(text: string): number {
  let quoted = false;
  for (let i = 0; i < text.length; i += 1) {
    if (text[i] === "\\") i += 1;
    else if (text[i] === '"') quoted = !quoted;
    else if (!quoted && /\s/.test(text[i]!)) {
      const comma = text.slice(0, i).trimEnd().endsWith(",") || text.slice(i).trimStart().startsWith(",");
      if (!comma) return i;
    }
  }
  return text.length;
}

function expand(
  items: readonly string[],
  aliases: Aliases,
  line: SudoLine,
): { item: string; negated: boolean }[] {
  const result: { item: string; negated: boolean }[] = [];
  const add = (text: string, negated: boolean, depth: number): void => {
    const bare = text.trim().replace(/^(?:!\s*)+/, "");
    const turned = negated !== ((text.trim().length - bare.length) % 2 === 1);
    const members = /^[A-Z][A-Z0-9_]*$/.test(bare) && bare !== "ALL" ? aliases.get(bare) : undefined;
    if (depth > 16 || result.length > mostItems)
      throw odd(line, "aliases that go in circles or are too long are");
    if (bare === "") throw odd(line, "an empty entry is");
    if (members === undefined) result.push({ item: bare, negated: turned });
    else for (const member of members) add(member, turned, depth + 1);
  };
  for (const item of items) add(item, false, 0);
  return result;
}

function userOf(item: string, negated: boolean): SudoUser {
  const name = item.replace(/^"(.*)"$/, "$1");
  if (/^%#\d+$/.test(name)) return { kind: "gid", name: name.slice(2), negated };
  if (/^#\d+$/.test(name)) return { kind: "uid", name: name.slice(1), negated };
  if (/^%[^:]/.test(name)) return { kind: "group", name: name.slice(1), negated };
  if (name.startsWith("+") || name.startsWith("%")) return { kind: "other", name, negated };
  return { kind: "user", name, negated };
}

/** At unescaped separators outside quotes and parentheses; with `only`, where what follows looks like that. */
function split(text: string, separator: string, only?: RegExp): string[] {
  const parts: string[] = [];
  let part = "";
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i += 1) {
    const character = text[i]!;
    if (character === "\\") {
      part += text.slice(i, i + 2);
      i += 1;
      continue;
    }
    if (character === '"') quoted = !quoted;
    if (!quoted && character === "(") depth += 1;
    if (!quoted && character === ")") depth -= 1;
    const ends = character === separator && !quoted && depth === 0;
    if (!ends || (only !== undefined && !only.test(text.slice(i + 1)))) part += character;
    else {
      parts.push(part);
      part = "";
    }
  }
  return [...parts, part].map((one) => one.trim());
}

function odd({ file, line }: SudoLine, what: string): NixsealError {
  return new NixsealError("malformed", `${what} not understood`, {
    hint: "look at it yourself: sudo -l -U USER",
    where: { file, line },
  });
}
