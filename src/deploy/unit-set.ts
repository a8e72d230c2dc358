/** The units of one system: `etc/systemd/system` as NixOS makes it. */
import { NixsealError } from "../core/errors.ts";
import { utf8Text } from "../core/bytes.ts";
import type { StorePath } from "../nix/store-path.ts";
import type { StoreTree } from "./store-tree.ts";
import { flagOf, namesOf, parseUnit, valuesOf, type UnitInfo } from "./unit-text.ts";

export interface UnitSet {
  /** The text of each unit's file by its name; null for one that is masked. */
  readonly files: ReadonlyMap<string, string | null>;
  /** Texts of drop-ins, in order, by the name of the unit. */
  readonly dropIns: ReadonlyMap<string, readonly string[]>;
  /** Other names of units. */
  readonly aliases: ReadonlyMap<string, string>;
  /** What `NAME.wants` and `NAME.requires` hold, by NAME. */
  readonly wants: ReadonlyMap<string, readonly string[]>;
}

/** Far above any system; a unit's file of a megabyte is none. */
const most = { units: 10_000, file: 1 << 20 };

/** Null when the system, or its units, cannot be read there. */
export async function readUnitSet(tree: StoreTree, toplevel: StorePath): Promise<UnitSet | null> {
  const directory = `${toplevel}/etc/systemd/system`;
  if ((await tree.resolve(directory)) === null) return null;
  const files = new Map<string, string | null>();
  const dropIns = new Map<string, string[]>();
  const aliases = new Map<string, string>();
  const wants = new Map<string, string[]>();
  const text = async (path: string): Promise<string> => utf8Text(await tree.read(path, most.file), "a unit");
  const names = await tree.list(directory);
  if (names.length > most.units)
    throw new NixsealError("limit", `${toplevel} has ${names.length} units, more than ${most.units}`);
  for (const name of names) {
    const path = `${directory}/${name}`;
    const wanting = /^(.+)\.(?:wants|requires)$/.exec(name)?.[1];
    if (wanting !== undefined) {
      wants.set(wanting, [...(wants.get(wanting) ?? []), ...(await tree.list(path))]);
      continue;
    }
    const dropped = /^(.+)\.d$/.exec(name)?.[1];
    if (dropped !== undefined) {
      const texts: string[] = [];
      for (const one of await tree.list(path))
        if (one.endsWith(".conf") && (await isFile(tree, `${path}/${one}`)))
          texts.push(await text(`${path}/${one}`));
      dropIns.set(dropped, texts);
      continue;
    }
    const link = await tree.linkText(path);
    // A link to a name beside it is another name for that unit.
    if (link !== null && !link.includes("/") && link !== name) {
      aliases.set(name, link);
      continue;
    }
    const resolved = await tree.resolve(path);
    if (resolved === "/dev/null") files.set(name, null);
    else if (resolved !== null) files.set(name, await text(path));
  }
  // Without a start nothing is pulled in, and to say that nothing changes would be wrong.
  if (!aliases.has("default.target") && !files.has("default.target")) return null;
  return { files, dropIns, aliases, wants };
}

async function isFile(tree: StoreTree, path: string): Promise<boolean> {
  const resolved = await tree.resolve(path);
  return resolved !== null && resolved !== "/dev/null";
}

/** `getty@.service` of `getty@tty1.service`; null for a unit that is no instance. */
function templateOf(unit: string): string | null {
  const [, name, kind] = /^([^@]+@)[^.]+(\.[a-z]+)$/.exec(unit) ?? [];
  return name === undefined || kind === undefined ? null : name + kind;
}

/** The file that the unit is made from: its own, or its template's. Null where there is none; masked ones have none. */
export function fileOf(set: UnitSet, unit: string): string | null {
  if ((set.files.get(unit) ?? null) !== null) return unit;
  const template = templateOf(unit);
  return !set.files.has(unit) && template !== null && (set.files.get(template) ?? null) !== null
    ? template
    : null;
}

/** Null where there is no file for it. */
export function unitInfo(set: UnitSet, unit: string): UnitInfo | null {
  const file = fileOf(set, unit);
  if (file === null) return null;
  const drops = [...new Set([file, unit])].flatMap((name) => set.dropIns.get(name) ?? []);
  return parseUnit([set.files.get(file)!, ...drops]);
}

const pulling = ["Wants", "Requires", "Requisite", "BindsTo", "Upholds"] as const;

/** What starting the system pulls in, as far as files say it: what people or other programs start is not known. */
export function pulledIn(set: UnitSet): Map<string, UnitInfo> {
  const found = new Map<string, UnitInfo>();
  const queue = ["default.target"];
  for (let given = queue.pop(); given !== undefined; given = queue.pop()) {
    const unit = set.aliases.get(given) ?? given;
    if (found.has(unit)) continue;
    const info = unitInfo(set, unit);
    if (info === null) continue;
    found.set(unit, info);
    for (const name of [given, unit, templateOf(unit)])
      if (name !== null) queue.push(...(set.wants.get(name) ?? []));
    for (const key of pulling) queue.push(...namesOf(info, "Unit", key));
  }
  return found;
}

/** A oneshot that has ended is not active, and what changes in it waits for its next start. */
export function staysActive(unit: string, info: UnitInfo): boolean {
  if (!unit.endsWith(".service")) return true;
  const isOneshot = valuesOf(info, "Service", "Type").at(-1) === "oneshot";
  return !isOneshot || flagOf(info, "Service", "RemainAfterExit", false);
}
