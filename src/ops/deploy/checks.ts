/** Whether a host does its work, as seen from the operator's machine: `[[deploy.checks]]` of fleet.toml. */
import { NixsealError } from "../../core/errors.ts";
import type { Check, Host } from "../../inventory/model.ts";
import type { Context } from "../op.ts";

/** Milliseconds of one try, and between tries: a service may need a moment after its start. */
const patience = { command: 60_000, url: 10_000, pause: 2_000 };
const mostTries = 5;
const largestPage = 16 << 20;

/** Why the host is not well; null when every check holds. */
export async function checkHost(
  context: Pick<Context, "processes" | "http" | "clock">,
  directory: string,
  checks: readonly Check[],
  host: Host,
): Promise<string | null> {
  for (const check of checks) {
    let fault: string | null = null;
    for (let tries = 1; tries <= mostTries; tries++) {
      fault = await (check.kind === "url"
        ? faultOfUrl(context, filled(check.url, host))
        : faultOfCommand(
            context,
            directory,
            check.words.map((word) => filled(word, host)),
          ));
      if (fault === null) break;
      if (tries < mostTries) await context.clock.sleep(patience.pause);
    }
    if (fault !== null) return `${host.name}: ${fault}`;
  }
  return null;
}

async function faultOfUrl({ http }: Pick<Context, "http">, url: string): Promise<string | null> {
  try {
    await http.get(url, { limit: largestPage, timeout: patience.url });
    return null;
  } catch (error) {
    if (error instanceof NixsealError) return error.message;
    throw error;
  }
}

async function faultOfCommand(
  { processes }: Pick<Context, "processes">,
  directory: string,
  [program, ...args]: readonly string[],
): Promise<string | null> {
  try {
    const { code, stderr } = await processes.run({
      program: program!,
      args,
      cwd: directory,
      timeout: patience.command,
    });
    if (code === 0) return null;
    const said = stderr.trim().split("\n").at(-1)?.slice(0, 300) ?? "";
    return `${program} ended with ${code}${said === "" ? "" : `: ${said}`}`;
  } catch (error) {
    if (error instanceof NixsealError) return error.message;
    throw error;
  }
}

/** `{host}` and `{address}`. Names and addresses have no characters that could mean more than themselves in an argument. */
export function filled(text: string, { name, address }: Pick<Host, "name" | "address">): string {
  const bracketed = address.includes(":") && text.includes("://") ? `[${address}]` : address;
  return text.replaceAll("{host}", name).replaceAll("{address}", bracketed);
}
