/** ssh_config(5) for one host among others that a single program connects to. */
import { NixsealError } from "../core/errors.ts";

const letters: Readonly<Record<string, string>> = { "-p": "Port", "-i": "IdentityFile" };

/**
 * What the options of a command line say, for connections to `user@name` only, and the person's own configuration after it. Nix has one
 * variable with options for ssh; on a command line they would hold for the builder too, with the target's port, key and host key.
 */
export function configFor(
  { user, name }: { user: string; name: string },
  options: readonly string[],
): string {
  const lines: string[] = [];
  for (let index = 0; index < options.length; index++) {
    const option = options[index]!;
    if (option === "-T") continue; // RequestTTY says the same
    const value = options[++index] ?? "";
    if (option === "-l") continue; // the name has it
    const at = value.indexOf("=");
    const [keyword, text] =
      option === "-o" ? [value.slice(0, at), value.slice(at + 1)] : [letters[option], value];
    if (keyword === undefined || /["\\\p{Cc}]/u.test(text))
      throw new NixsealError("bug", `no line of ssh_config for '${option} ${value}'`);
    lines.push(`  ${keyword} "${text}"`);
  }
  return [
    `Match originalhost "${name}" user "${user}"`,
    ...lines,
    "Match all",
    "Include ~/.ssh/config",
    "Include /etc/ssh/ssh_config",
    "",
  ].join("\n");
}
