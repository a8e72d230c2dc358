/** authorized_keys (sshd(8)): what a key may do that logs in as the deploy user. */
import { NixsealError } from "../../core/errors.ts";

export interface KeyLine {
  /** Names in lower case, with values where they have one; in the order of the line. */
  readonly options: readonly { readonly name: string; readonly value: string | null }[];
  /** Behind the options: type, key, comment. */
  readonly rest: string;
  readonly line: number;
}

const keyType = /^(?:ssh-|ecdsa-|sk-)[A-Za-z0-9@.-]+\s+AAAA/;

/** Throws `malformed` with the line for one that is neither empty, a comment nor a key. */
export function parseAuthorizedKeys(text: string): KeyLine[] {
  return text.split("\n").flatMap((raw, index): KeyLine[] => {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) return [];
    if (keyType.test(line)) return [{ options: [], rest: line, line: index + 1 }];
    const { options, rest } = readOptions(line);
    if (keyType.test(rest)) return [{ options, rest, line: index + 1 }];
    throw new NixsealError("malformed", "this line is neither a key nor a comment", {
      where: { line: index + 1 },
    });
  });
}

/** Comma-separated up to the first white space outside quotes; `\"` within quotes is a quote. */
function readOptions(line: string): Pick<KeyLine, "options" | "rest"> {
  const options: { name: string; value: string | null }[] = [];
  let rest = line;
  for (;;) {
    const match = /^([A-Za-z0-9-]+)(?:="((?:[^"\\]|\\.)*)")?(,|\s+)/.exec(rest);
    if (match === null) return { options: [], rest: "" };
    options.push({ name: match[1]!.toLowerCase(), value: match[2]?.replace(/\\"/g, '"') ?? null });
    rest = rest.slice(match[0].length);
    if (match[3] !== ",") return { options, rest };
  }
}

/** What the line gives beyond the gate's forced command, worst first; none where it is as it should be. */
export function faultsOf({
  options,
}: KeyLine): { severity: "critical" | "high" | "medium"; reason: string }[] {
  const has = (name: string): boolean => options.some((option) => option.name === name);
  const command = options.find(({ name }) => name === "command")?.value ?? null;
  const faults: ReturnType<typeof faultsOf> = [];
  if (command === null) faults.push({ severity: "critical", reason: "gives a shell: it has no command=" });
  else if (!forced.test(command))
    faults.push({ severity: "high", reason: `runs another command than the gate's: ${command}` });
  if (has("environment")) faults.push({ severity: "high", reason: "sets environment variables" });
  if (!has("restrict"))
    faults.push({ severity: "medium", reason: "forwards ports and agents: it has no restrict" });
  const reopened = ["pty", "port-forwarding", "agent-forwarding", "x11-forwarding", "user-rc"].filter(has);
  if (has("restrict") && reopened.length > 0)
    faults.push({ severity: "medium", reason: `gives back what restrict takes: ${reopened.join(", ")}` });
  return faults;
}

/** One program and plain words: the user's shell runs it, and must find nothing to interpret. */
export const forced = /^\/[A-Za-z0-9+/._-]*\/nixseal-agent receive(?: [A-Za-z0-9+/._=-]+)*$/;
