/** Somebody decides that a unit runs all the same. */
import { NixsealError } from "../core/errors.ts";
import type { Files } from "../core/file-ports.ts";
import { letGo, start, type ActPorts } from "./act.ts";
import { layoutOf, runtimeDirectory } from "./layout.ts";
import { timeText } from "./notices.ts";
import { ownDirectory } from "./own-directory.ts";
import { formatRecord, readHeld, type Allowed } from "./records.ts";

/** Not stopped again for the advisories that it was stopped for. Throws `not-found` when it is not held. */
export async function resume(
  ports: ActPorts & { readonly files: Pick<Files, "lock" | "statusOfLink"> },
  unit: string,
  now: Date,
): Promise<Allowed> {
  const { files } = ports;
  const layout = layoutOf("");
  await ownDirectory(files, "", runtimeDirectory);
  const lock = await files.lock(layout.lock, { wait: 60_000, purpose: "starting a unit again" });
  try {
    const held = (await readHeld(files, layout.held)).find((one) => one.unit === unit);
    if (held === undefined)
      throw new NixsealError("not-found", `'${unit}' is not among the units that were stopped`, {
        hint: "'nixseal-agent notices' lists them",
      });
    const allowed: Allowed = { version: 1, unit, since: timeText(now), advisories: held.advisories };
    await files.makeDirectory(layout.allowed, { mode: 0o755, parents: true });
    await files.writeAtomic(`${layout.allowed}/${unit}`, formatRecord(allowed), { mode: 0o644 });
    await letGo(ports, layout, held);
    await start(ports, held);
    await files.remove(`${layout.released}/${unit}`);
    return allowed;
  } finally {
    await lock.release();
  }
}
