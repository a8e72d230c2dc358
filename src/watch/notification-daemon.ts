/**
 * org.freedesktop.Notifications on the person's own bus, by way of busctl(1): it is on every host with systemd, knows D-Bus's
 * authentication and wire format, and nothing that is shown is a secret that its arguments would tell.
 */
import { utf8Text } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import type { Environment, Processes } from "../core/ports.ts";
import type { Notification } from "./notification.ts";

export interface BusPorts {
  readonly processes: Pick<Processes, "run">;
  readonly environment: Environment;
}

const service = "org.freedesktop.Notifications";
const target = [service, "/org/freedesktop/Notifications", service];
const bus = ["org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus"];

/** Each of them means that the body is read as markup: dunst without a configuration declares the second only. */
const markup = ["body-markup", "body-hyperlinks", "body-images"];

/** Whether the daemon takes the body as markup. Asking starts it where it is not running yet. */
export async function takesMarkup(ports: BusPorts): Promise<boolean> {
  const answer = await call(ports, [...target, "GetCapabilities"]);
  return Array.isArray(answer) && markup.some((capability) => answer.includes(capability));
}

export async function daemonName(ports: BusPorts): Promise<string> {
  const answer = await call(ports, [...bus, "GetNameOwner", "s", service]);
  if (typeof answer === "string" && answer.length <= 255) return answer;
  throw unexpected();
}

/** Shows it in place of the one with that number, and gives its number. 0 replaces nothing. */
export async function notify(
  ports: BusPorts,
  { summary, body, urgency }: Notification,
  asMarkup: boolean,
  replaces: number,
): Promise<number> {
  const text = body.map((line) => (asMarkup ? escaped(line) : line)).join("\n");
  const shown = ["nixseal", String(replaces), "security-high", summary, text];
  const [noActions, hints, defaultTime] = ["0", ["1", "urgency", "y", String(urgency)], "-1"];
  const signature = "susssasa{sv}i";
  const words = [...target, "Notify", signature, ...shown, noActions, ...hints, defaultTime];
  const answer = await call(ports, words);
  if (typeof answer === "number" && Number.isSafeInteger(answer) && answer > 0) return answer;
  throw unexpected();
}

export async function close(ports: BusPorts, id: number): Promise<void> {
  await call(ports, [...target, "CloseNotification", "u", String(id)]);
}

/** Text of a feed may look like markup, and would be a link or a picture then. */
function escaped(line: string): string {
  return line
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** The first value of the answer. `--`: a text may begin like a flag. */
async function call({ processes, environment }: BusPorts, words: readonly string[]): Promise<unknown> {
  const { code, stdout, stderr } = await processes.run({
    program: "busctl",
    args: ["--user", "--json=short", "--timeout=20", "--", "call", ...words],
    env: { DBUS_SESSION_BUS_ADDRESS: environment.get("DBUS_SESSION_BUS_ADDRESS") },
    timeout: 30_000,
    maxOutput: 64 << 10,
  });
  if (code !== 0)
    throw new NixsealError("tool", `no notification daemon answers: ${stderr.trim().slice(-300)}`, {
      hint: "this is for a desktop session that has one",
    });
  const answer = utf8Text(stdout, "the answer of busctl").trim();
  if (answer === "") return null;
  try {
    const value = JSON.parse(answer) as { readonly data?: readonly unknown[] } | null;
    return value?.data?.[0] ?? null;
  } catch (cause) {
    throw new NixsealError("malformed", "busctl answered something that is not JSON", { cause });
  }
}

function unexpected(): NixsealError {
  return new NixsealError("malformed", "the notification daemon answered something unexpected");
}
