/** Rules of sudoers(5), as far as a check needs them, from whichever reader. */

/** Who a rule is for. What cannot be told here (netgroups, plugins' groups) is `other`. */
export interface SudoUser {
  readonly kind: "user" | "uid" | "group" | "gid" | "other";
  readonly name: string;
  readonly negated: boolean;
}

export interface SudoRule {
  readonly users: readonly SudoUser[];
  /** `ALL`, `sudoedit …`, or a path with what may follow it. */
  readonly command: string;
  readonly negated: boolean;
  readonly setEnvironment: boolean;
  /** The file, and the line where the reader knows it. */
  readonly file: string;
  readonly line: number | undefined;
}

/** What may be wrong with one command that somebody may run as root. Null when it is exactly one command line. */
export function faultOf(
  command: string,
): { readonly severity: "critical" | "high" | "medium"; readonly reason: string } | null {
  if (command === "ALL") return { severity: "critical", reason: "any command" };
  const [program = "", ...words] = command.split(/\s+/);
  if (program.endsWith("/")) return { severity: "critical", reason: `any program in ${program}` };
  // sudoers(5): "*" in arguments matches white space and slashes too, so one argument becomes any number of them.
  if (/[*?[\]]/.test(command) || command.startsWith("^") || words.some((word) => word.startsWith("^")))
    return { severity: "critical", reason: `a pattern, which matches more than was meant: ${command}` };
  if (program === "sudoedit") return { severity: "high", reason: `editing as root: ${command}` };
  if (words.length === 0)
    return { severity: shells.test(program) ? "critical" : "high", reason: `${program} with any arguments` };
  if (program.endsWith("/nixseal-agent") && words.join(" ") === "activate") return null;
  if (shells.test(program)) return { severity: "high", reason: `${program}, which can run other programs` };
  return { severity: "medium", reason: `another command than the gate's: ${command}` };
}

/** Programs that give a shell, write any file or run what they are told, by the ways that GTFOBins lists. */
const shells =
  /\/(?:(?:ba|da|z|k|fi)?sh|env|nix(?:-env|-store|-shell|-build|-daemon|-collect-garbage|-channel)?|nixos-rebuild(?:-ng)?|switch-to-configuration|systemd-run|systemctl|journalctl|su|sudo|doas|chroot|unshare|nsenter|vi|vim|view|nano|emacs|less|more|man|git|rsync|scp|ssh|tar|find|awk|sed|perl|python[0-9.]*|ruby|node|php|tee|cp|mv|dd|install|ln|chmod|chown|mount|docker|podman|curl|wget|xargs|time|nice|timeout|script|tmux|screen)$/;
