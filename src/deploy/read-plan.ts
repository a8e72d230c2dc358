/** Reading a plan that was kept. */
import { utf8Text } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import { list, nullable, object, oneOf, text, wrong, type Check } from "../core/shape.ts";
import { follows, name, relativeFile } from "../inventory/field-rules.ts";
import { anyStore, parseStorePath, type StorePath } from "../nix/store-path.ts";
import { actions, type Action } from "../trust/warrant/model.ts";
import {
  planLimit,
  reboots,
  type DeployPlan,
  type PlannedChange,
  type PlannedHost,
  type Reboots,
} from "./plan.ts";
import type { RolloutPlan } from "./rollout.ts";
import type { SecretChanges } from "./secret-changes.ts";
import type { UnitChanges } from "./unit-changes.ts";

const most = { hosts: 10_000, packages: 50_000, units: 10_000, secrets: 10_000, steps: 32 };

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
  const { v: _, created, ...plan } = shape(current(value), "plan");
  const names = plan.hosts.map((host) => host.name);
  const twice = names.find((one, index) => names.indexOf(one) !== index);
  if (twice !== undefined) throw new NixsealError("config", `plan.hosts: '${twice}' is there twice`);
  return { ...plan, created: new Date(created) };
}

/** Plans of the first version said nothing of units, secrets and reboots. */
function current(value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("v" in value) || value.v !== 1) return value;
  const hosts: unknown = "hosts" in value ? value.hosts : undefined;
  return {
    ...value,
    v: 2,
    reboots: "never",
    hosts: Array.isArray(hosts)
      ? hosts.map((host: unknown) =>
          typeof host === "object" && host !== null ? { ...host, units: null, secrets: null } : host,
        )
      : hosts,
  };
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
const listed = (limit: number): Check<readonly string[]> =>
  list(
    text((value) => value.length <= 255 && !/\p{Cc}/u.test(value), "a name"),
    limit,
  );
const units = listed(most.units);
const secrets = listed(most.secrets);
const flag: Check<boolean> = (value, path) => {
  if (typeof value === "boolean") return value;
  throw wrong(path, "true or false", value);
};

const shape = object<Omit<DeployPlan, "created"> & { readonly v: 2; readonly created: string }>({
  v: oneOf(2),
  fleet: text((value) => follows(name, value), name.expected),
  id: text((value) => /^[0-9a-f]{32}$/.test(value), "16 bytes in hex"),
  created: text((value) => !Number.isNaN(Date.parse(value)), "a time"),
  action: oneOf<Action>(...actions),
  reboots: oneOf<Reboots>(...reboots),
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
      units: nullable(
        object<UnitChanges>({
          source: oneOf("expected", "dry-activate"),
          start: units,
          stop: units,
          restart: units,
          reload: units,
          keep: units,
        }),
      ),
      secrets: nullable(
        object<SecretChanges>({ added: secrets, removed: secrets, changed: secrets, moved: secrets }),
      ),
    }),
    most.hosts,
  ),
});
