/** What a rollout has come to, for those who watch it. The truth about a host is on the host; this is what was last heard. */
import { utf8, utf8Text } from "../core/bytes.ts";
import { canonicalJson } from "../core/canonical-json.ts";
import { NixsealError } from "../core/errors.ts";
import { list, nullable, object, oneOf, text, wrong, type Check } from "../core/shape.ts";
import { follows, name as nameRule } from "../inventory/field-rules.ts";
import type { State } from "../state/state.ts";
import type { DeployPlan } from "./plan.ts";

export interface RolloutRecord {
  readonly began: string;
  readonly by: string;
  readonly hosts: readonly string[];
  /** Null while it goes on. */
  readonly ended: { readonly at: string; readonly message: string } | null;
}

export interface HostRecord {
  readonly at: string;
  readonly state: "under way" | "done" | "failed" | "offline";
  readonly message: string;
}

/** Sorts by the time of the plan. */
export function rolloutName({ created, id }: Pick<DeployPlan, "created" | "id">): string {
  return `${created.toISOString().replaceAll(/[-:.]/g, "")}-${id.slice(0, 8)}`;
}

/** The last one wins: records are news, and one operator writes those of a rollout. */
async function replace(state: State, key: string, value: Uint8Array): Promise<void> {
  for (let tries = 0; tries < 5; tries++) if (await state.swap(key, await state.get(key), value)) return;
  throw new NixsealError("conflict", `somebody else writes ${key}`, {
    hint: "the same plan is applied twice at once",
  });
}

export function recordRollout(state: State, rollout: string, record: RolloutRecord): Promise<void> {
  return replace(state, `rollout/${rollout}`, encode(record));
}

export function recordHost(state: State, rollout: string, host: string, record: HostRecord): Promise<void> {
  return replace(
    state,
    `rollout/${rollout}/${host}`,
    encode({ ...record, message: record.message.slice(0, 4000).toWellFormed() }),
  );
}

/** The newest rollout's name; null when there was none. */
export async function newestRollout(state: State): Promise<string | null> {
  const [last] = await state.list("rollout/", { limit: 1, order: "descending" });
  return last?.key.split("/")[1] ?? null;
}

/** Null when it is unknown. */
export async function readRollout(
  state: State,
  rollout: string,
): Promise<{ readonly record: RolloutRecord; readonly hosts: ReadonlyMap<string, HostRecord> } | null> {
  const bytes = await state.get(`rollout/${rollout}`);
  if (bytes === null) return null;
  const record = rolloutShape(parse(bytes), "rollout");
  const prefix = `rollout/${rollout}/`;
  const entries = await state.list(prefix, { limit: record.hosts.length + 1 });
  return {
    record,
    hosts: new Map(entries.map(({ key, value }) => [key.slice(prefix.length), hostShape(parse(value), key)])),
  };
}

function encode(record: RolloutRecord | HostRecord): Uint8Array {
  return utf8(
    canonicalJson(
      "hosts" in record
        ? { ...record, ended: record.ended === null ? null : { ...record.ended } }
        : { ...record },
    ),
  );
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(utf8Text(bytes, "the record"));
  } catch (cause) {
    throw new NixsealError("malformed", "the record of the rollout is damaged", { cause });
  }
}

const plain: Check<string> = (value, path) => {
  if (typeof value !== "string" || value.length > 4000) throw wrong(path, "text", value);
  return value.replaceAll(/[\p{Cc}\p{Cf}]/gu, "?");
};
const hostName = text((value) => follows(nameRule, value), nameRule.expected);
const rolloutShape = object<RolloutRecord>({
  began: plain,
  by: plain,
  hosts: list(hostName, 10_000),
  ended: nullable(object<NonNullable<RolloutRecord["ended"]>>({ at: plain, message: plain })),
});
const hostShape = object<HostRecord>({
  at: plain,
  state: oneOf("under way", "done", "failed", "offline"),
  message: plain,
});
