/** What a deployment will do, as data: printed, kept, looked at by others, and executed by `deploy apply`. */
import { utf8, utf8Text } from "../core/bytes.ts";
import { canonicalJson, type Json } from "../core/canonical-json.ts";
import { NixsealError } from "../core/errors.ts";
import { list, nullable, object, oneOf, text, wrong, type Check } from "../core/shape.ts";
import { follows, name, relativeFile } from "../inventory/field-rules.ts";
import { anyStore, parseStorePath, type StorePath } from "../nix/store-path.ts";
import { actions, type Action } from "../trust/warrant/model.ts";
import type { RolloutPlan } from "./rollout.ts";

/** Counts of packages, and bytes of NARs: after minus before. */
export interface PlannedChange {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** `openssl 3.0.1 → 3.0.2`. */
  readonly changed: readonly string[];
  readonly rebuilt: number;
  readonly bytes: number;
}

export interface PlannedHost {
  readonly name: string;
  readonly toplevel: StorePath;
  /** The order that the host will get, below the fleet's directory. `digest` binds the plan to that one. */
  readonly warrant: { readonly file: string; readonly seq: number; readonly digest: string };
  /** What it ran when the plan was made; null when it could not be asked. */
  readonly current: { readonly toplevel: StorePath | null; readonly warrant: string | null } | null;
  /** Null when what it runs is not known here. */
  readonly change: PlannedChange | null;
  /** Kernel, initrd or their modules change: they count from the next boot. Null with `change`. */
  readonly reboot: boolean | null;
}

export interface DeployPlan {
  readonly fleet: string;
  /** 16 random bytes in hex: the rollout's name in the shared state and in the log. */
  readonly id: string;
  readonly created: Date;
  readonly action: Action;
  readonly rollout: RolloutPlan;
  readonly hosts: readonly PlannedHost[];
}

/** By the host's word when the plan was made. */
export function runsItAlready({ current, warrant }: Pick<PlannedHost, "current" | "warrant">): boolean {
  return current?.warrant === warrant.digest;
}

export const planLimit = 64 << 20;
const most = { hosts: 10_000, packages: 50_000, steps: 32 };

/** Canonical JSON and a line end. */
export function formatPlan({ fleet, id, created, action, rollout, hosts }: DeployPlan): Uint8Array {
  const { budget, ...waves } = rollout;
  const value = {
    v: 1,
    fleet,
    id,
    created: created.toISOString(),
    action,
    rollout: { ...waves, budget: { ...budget } },
    hosts: hosts.map((host) => host as unknown as Json),
  };
  return utf8(`${canonicalJson(value)}\n`);
}

/** Any JSON of these keys. `config` names what is wrong; what a plan orders is held by the warrants, not by this file. */
export function parsePlan(bytes: Uint8Array): DeployPlan {
  if (bytes.length > planLimit)
    throw new NixsealError("limit", `the plan has ${bytes.length} bytes, more than ${planLimit}`);
  let value: unknown;
  try {
    value = JSON.parse(utf8Text(bytes, "the plan"));
  } catch (cause) {
    if (cause instanceof NixsealError) throw cause;
    throw new NixsealError("malformed", "the plan is not JSON", { cause });
  }
  const { v: _, created, ...plan } = shape(value, "plan");
  const names = plan.hosts.map((host) => host.name);
  const twice = names.find((one, index) => names.indexOf(one) !== index);
  if (twice !== undefined) throw new NixsealError("config", `plan.hosts: '${twice}' is there twice`);
  return { ...plan, created: new Date(created) };
}

function whole(least: number, greatest: number): Check<number> {
  return (value, path) => {
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= least && value <= greatest)
      return value;
    throw wrong(path, `a whole number from ${least} to ${greatest}`, value);
  };
}

const storePath: Check<StorePath> = (value, path) => {
  const expected = "a store path";
  if (typeof value !== "string") throw wrong(path, expected, value);
  try {
    return parseStorePath(value, anyStore);
  } catch (cause) {
    if (!(cause instanceof NixsealError)) throw cause;
    throw wrong(path, expected, value);
  }
};
const digest = text((value) => /^[0-9a-f]{64}$/.test(value), "a SHA-256 in hex");
const packages = list(
  text((value) => value.length <= 1000 && !/\p{Cc}/u.test(value), "the name of a package"),
  most.packages,
);
const flag: Check<boolean> = (value, path) => {
  if (typeof value === "boolean") return value;
  throw wrong(path, "true or false", value);
};

const shape = object<Omit<DeployPlan, "created"> & { readonly v: 1; readonly created: string }>({
  v: oneOf(1),
  fleet: text((value) => follows(name, value), name.expected),
  id: text((value) => /^[0-9a-f]{32}$/.test(value), "16 bytes in hex"),
  created: text((value) => !Number.isNaN(Date.parse(value)), "a time"),
  action: oneOf<Action>(...actions),
  rollout: object<RolloutPlan>({
    canary: whole(0, most.hosts),
    steps: list(whole(1, 100), most.steps),
    parallel: whole(1, 1000),
    soak: whole(0, 7 * 86_400),
    budget: object<RolloutPlan["budget"]>({
      failures: whole(0, most.hosts),
      beyond: oneOf("stop", "revert"),
    }),
  }),
  hosts: list(
    object<PlannedHost>({
      name: text((value) => follows(name, value), name.expected),
      toplevel: storePath,
      warrant: object<PlannedHost["warrant"]>({
        file: text((value) => follows(relativeFile, value.replace("/@", "/")), relativeFile.expected),
        seq: whole(1, Number.MAX_SAFE_INTEGER),
        digest,
      }),
      current: nullable(
        object<NonNullable<PlannedHost["current"]>>({
          toplevel: nullable(storePath),
          warrant: nullable(digest),
        }),
      ),
      change: nullable(
        object<PlannedChange>({
          added: packages,
          removed: packages,
          changed: packages,
          rebuilt: whole(0, most.packages),
          bytes: whole(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
        }),
      ),
      reboot: nullable(flag),
    }),
    most.hosts,
  ),
});
