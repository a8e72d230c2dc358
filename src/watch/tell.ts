/** Tells the person at the desktop, once: what was told is remembered for as long as the session lasts. */
import { utf8, utf8Text } from "../core/bytes.ts";
import { canonicalJson } from "../core/canonical-json.ts";
import { NixsealError } from "../core/errors.ts";
import type { Files } from "../core/file-ports.ts";
import { list, object, oneOf, text, wrong, type Check } from "../core/shape.ts";
import { close, daemonName, notify, takesMarkup, type BusPorts } from "./notification-daemon.ts";
import { keysOf, notificationOf, type Shown } from "./notification.ts";
import type { Notices } from "./notices.ts";

export type Told = "shown" | "closed" | "nothing new";

interface TellPorts extends BusPorts {
  readonly files: Pick<Files, "read" | "statusOfLink" | "writeAtomic">;
}

const short = text((value) => value.length <= 2000, "a short text");
const id: Check<number> = (value, path) => {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw wrong(path, "a number", value);
};
const shape: Check<Shown & { readonly version: 1 }> = object({
  version: oneOf(1),
  daemon: short,
  id,
  keys: list(short, 1000),
});

export async function tell(ports: TellPorts, notices: Notices, now: Date): Promise<Told> {
  const file = memoryFile(ports);
  const shown = await remembered(ports, file);
  const keys = keysOf(notices, now);
  const notification = notificationOf(notices, now, shown.keys);
  if (notification === null && (keys.length > 0 || shown.id === 0)) {
    // What went away is forgotten, so that it is told when it comes back.
    if (keys.length !== shown.keys.length) await remember(ports, file, { ...shown, keys });
    return "nothing new";
  }
  const markup = await takesMarkup(ports);
  const daemon = await daemonName(ports);
  // Another daemon counts from one again: its number may be somebody else's notification.
  const earlier = daemon === shown.daemon ? shown.id : 0;
  if (notification === null) {
    if (earlier !== 0) await close(ports, earlier);
    await remember(ports, file, { daemon, id: 0, keys });
    return "closed";
  }
  const shownId = await notify(ports, notification, markup, earlier);
  await remember(ports, file, { daemon, id: shownId, keys });
  return "shown";
}

/** $XDG_RUNTIME_DIR is the person's own, and goes when the session does. */
function memoryFile({ environment }: Pick<TellPorts, "environment">): string {
  const directory = environment.get("XDG_RUNTIME_DIR");
  if (directory?.startsWith("/") === true) return `${directory}/nixseal-notify.json`;
  throw new NixsealError("usage", "there is no XDG_RUNTIME_DIR", {
    hint: "this runs in a person's session: systemctl --user start nixseal-notify.service",
  });
}

async function remembered({ files }: TellPorts, file: string): Promise<Shown> {
  const nothing = { daemon: "", id: 0, keys: [] };
  if ((await files.statusOfLink(file)) === null) return nothing;
  try {
    return shape(
      JSON.parse(utf8Text(await files.read(file, { limit: 1 << 20, follow: false }), "memory")),
      "$",
    );
  } catch (error) {
    // To be told twice is better than never again.
    if (error instanceof SyntaxError || error instanceof NixsealError) return nothing;
    throw error;
  }
}

function remember({ files }: TellPorts, file: string, { daemon, id: number, keys }: Shown): Promise<void> {
  const text = canonicalJson({ version: 1, daemon, id: number, keys });
  return files.writeAtomic(file, utf8(`${text}\n`), { mode: 0o600, syncDirectory: false });
}
