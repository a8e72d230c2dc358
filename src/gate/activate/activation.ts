/** An activation under way, as it stands on the disk: enough to go on or back from, after a kill or a power cut at any point. */
import { utf8, utf8Text } from "../../core/bytes.ts";
import { canonicalJson, type Json } from "../../core/canonical-json.ts";
import { at, NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import { list, nullable, object, oneOf, text, wrong, type Check } from "../../core/shape.ts";
import { anyStore, parseStorePath, type StorePath } from "../../nix/store-path.ts";
import { asMalformed, formatTime, parseJson } from "../../trust/root/root.ts";
import { actions, type Action } from "../../trust/warrant/model.ts";
import type { Head } from "../../trust/warrant/state.ts";
import { readChecked, writeChecked } from "../checked-file.ts";
import { outcomes, type Outcome } from "../guard.ts";
import { logHead } from "../message-fields.ts";
import type { GatePaths } from "../paths.ts";

export const phases = [
  /** the new system is being activated, or was */
  "testing",
  /** it runs, and its health is asked for */
  "checking",
  /** somebody must confirm it */
  "confirming",
  /** it stays: profile, then boot entry */
  "committing",
  /** back to the former system */
  "reverting",
  /** the outcome is known, and is being written down */
  "finishing",
] as const;
export type Phase = (typeof phases)[number];

export interface Activation {
  readonly phase: Phase;
  /** Of the boot in which it began (`readBootId`). */
  readonly bootId: string;
  readonly action: Action;
  /** The new system. */
  readonly toplevel: StorePath;
  /** The system that ran before, as /run/current-system named it; null where none did. */
  readonly previous: StorePath | null;
  /** What the profile held before; null where it held nothing. */
  readonly before: StorePath | null;
  /** `payloadDigest`; null for an activation at the console. */
  readonly warrant: string | null;
  /** `sequenceOf` the warrant, and its number. */
  readonly sequence: string | null;
  readonly seq: number | null;
  /** The members whose signatures counted. */
  readonly principals: readonly string[];
  readonly peer: number | null;
  /** What the sender's log ended with. */
  readonly log: Head | null;
  readonly began: Date;
  /** What is to be signed for the confirmation, and the second of `readUptime` at which it is too late. */
  readonly nonce: string | null;
  readonly deadline: number | null;
  readonly confirmedBy: string | null;
  /** Whether profile and boot entry may be the new ones. */
  readonly touched: boolean;
  /** How often going back has failed. */
  readonly tries: number;
  readonly reason: string | null;
  readonly outcome: Outcome | null;
}

const largest = 32 << 10;

const line = text((given) => given.length <= 4096 && given.isWellFormed(), "text");
const hex = text((given) => /^[0-9a-f]{64}$/.test(given), "64 digits in hex");
const count: Check<number> = (value, path) => {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw wrong(path, "a whole number", value);
};
const flag: Check<boolean> = (value, path) => {
  if (typeof value !== "boolean") throw wrong(path, "true or false", value);
  return value;
};
const storePath: Check<StorePath> = (value, path) => parseStorePath(line(value, path), anyStore);
const time: Check<Date> = (value, path) => {
  const date = new Date(line(value, path));
  if (Number.isNaN(date.getTime())) throw wrong(path, "a time", value);
  return date;
};

/** A later version of this program reads what this one wrote: it may be the one that confirms, or that boots. */
const version = 1;

const shape: Check<Activation & { readonly v: number }> = object({
  v: oneOf(version),
  phase: oneOf(...phases),
  bootId: line,
  action: oneOf(...actions),
  toplevel: storePath,
  previous: nullable(storePath),
  before: nullable(storePath),
  warrant: nullable(hex),
  sequence: nullable(line),
  seq: nullable(count),
  principals: list(line, 64),
  peer: nullable(count),
  log: nullable(logHead),
  began: time,
  nonce: nullable(hex),
  deadline: nullable(count),
  confirmedBy: nullable(line),
  touched: flag,
  tries: count,
  reason: nullable(line),
  outcome: nullable(oneOf(...outcomes)),
});

/** Null when none is under way. */
export function readActivation(
  files: Pick<Files, "read">,
  paths: Pick<GatePaths, "activation">,
): Promise<Activation | null> {
  return readChecked(files, paths.activation, largest, (body) =>
    asMalformed(() => {
      const { v: _, ...activation } = shape(parseJson(body, "the activation"), "activation");
      return activation;
    }),
  ).catch((error: unknown) => {
    if (!(error instanceof NixsealError) || error.code !== "malformed") throw error;
    throw new NixsealError("malformed", error.message, {
      hint: "an activation was cut short, and what it did is not known: look at what runs, then remove the file",
      where: error.where,
      cause: error,
    });
  });
}

/** On the disk when it returns. */
export async function writeActivation(
  files: Pick<Files, "writeAtomic">,
  paths: Pick<GatePaths, "activation">,
  activation: Activation,
): Promise<void> {
  const { began, log } = activation;
  const json: Json = {
    v: version,
    ...activation,
    began: formatTime(began),
    log: log === null ? null : { ...log },
  };
  await writeChecked(files, paths.activation, utf8(`${canonicalJson(json)}\n`));
}

export async function removeActivation(
  files: Pick<Files, "remove" | "sync">,
  paths: Pick<GatePaths, "activation" | "state">,
): Promise<void> {
  try {
    await files.remove(paths.activation);
  } catch (error) {
    if (!(error instanceof NixsealError) || error.code !== "not-found") throw error;
  }
  await files.sync(paths.state);
}

/** The boot that this is. A container has the kernel's id over its restarts; the first process tells them apart (proc(5), starttime). */
export async function readBootId(files: Pick<Files, "read">): Promise<string> {
  const id = await readKernelBoot(files);
  const first = (await procText(files, "/proc/1/stat")).replace(/^.*\) /s, "").split(" ")[19] ?? "";
  return `${id}:${first}`;
}

/**
 * The kernel's own id of this boot (random(4)), which all may read: the gate's confined side does not see the first process.
 * systemd-nspawn gives each start of a container one of its own, too.
 */
export function readKernelBoot(files: Pick<Files, "read">): Promise<string> {
  return procText(files, "/proc/sys/kernel/random/boot_id");
}

/** Whole seconds since the machine started: setting the clock does not move it. */
export async function readUptime(files: Pick<Files, "read">): Promise<number> {
  const seconds = Number((await procText(files, "/proc/uptime")).split(" ")[0]);
  if (Number.isFinite(seconds)) return Math.floor(seconds);
  throw new NixsealError("io", "/proc/uptime holds no time");
}

async function procText(files: Pick<Files, "read">, file: string): Promise<string> {
  try {
    return utf8Text(await files.read(file, { limit: 4096 }), file).trim();
  } catch (error) {
    throw at(error, { file });
  }
}
