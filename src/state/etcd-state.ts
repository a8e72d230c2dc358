/** The state in etcd, through the JSON gateway of its v3 API (etcd.io/docs, "gRPC gateway"). */
import { base64, fromBase64, sameBytes, utf8, utf8Text } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import type { Https, TlsIdentity } from "../core/http-ports.ts";
import type { Clock } from "../core/ports.ts";
import { Field } from "../nix/json-fields.ts";
import { checkKey, checkValue, type State, type StateEntry } from "./state.ts";

export interface EtcdCluster {
  /** `https://HOST:PORT`, at least one. */
  readonly endpoints: readonly string[];
  readonly identity: TlsIdentity;
  /** Before every key, so that several fleets share a cluster: `/nixseal/bos55/`. */
  readonly prefix: string;
}

/** Milliseconds: one request, and all attempts of one call. An election of a new leader takes one or two seconds. */
const patience = { request: 5_000, call: 20_000, pause: 250 };
const largestAnswer = 16 << 20;

/**
 * Every call goes on at the next endpoint when one does not answer or has no leader. Reads are linearizable (etcd's
 * default), so that what one operator wrote the other sees.
 */
export function etcdState(https: Https, clock: Clock, cluster: EtcdCluster): State {
  const { endpoints, identity, prefix } = cluster;
  let turn = 0; // the endpoint that answered last

  /** `unsure`: an attempt before the one that answered may have been carried out. */
  async function call(path: string, body: object): Promise<{ answer: Field; unsure: boolean }> {
    const end = clock.now().getTime() + patience.call;
    const bytes = utf8(JSON.stringify(body));
    for (let unsure = false; ;) {
      const url = `${endpoints[turn % endpoints.length]}/v3/kv/${path}`;
      let failure: unknown;
      try {
        const { status, body: said } = await https.post(url, bytes, {
          identity,
          limit: largestAnswer,
          timeout: patience.request,
        });
        if (status === 200) return { answer: Field.parse(utf8Text(said, "etcd's answer"), "answer"), unsure };
        failure = refusal(url, status, said);
      } catch (error) {
        if (!(error instanceof NixsealError) || (error.code !== "io" && error.code !== "timeout"))
          throw error;
        failure = error;
      }
      unsure = true;
      turn++;
      if (clock.now().getTime() >= end) throw failure;
      await clock.sleep(patience.pause);
    }
  }

  async function get(key: string): Promise<Uint8Array | null> {
    checkKey(key);
    const { answer } = await call("range", { key: encoded(prefix + key) });
    const [found] = entriesOf(answer);
    if (found !== undefined && found.key !== key) throw strange("another key than was asked for");
    return found?.value ?? null;
  }

  function withoutPrefix(key: string): string {
    if (key.startsWith(prefix)) return key.slice(prefix.length);
    throw strange("a key of another fleet");
  }

  function entriesOf(answer: Field): StateEntry[] {
    if (!answer.has("kvs")) return [];
    return answer
      .get("kvs")
      .items()
      .map((item) => ({
        key: withoutPrefix(utf8Text(decoded(item.get("key")), "etcd's key")),
        // Protocol buffers leave out what is empty.
        value: item.has("value") ? decoded(item.get("value")) : new Uint8Array(),
      }));
  }

  return {
    get,

    async list(start, { limit, after, order = "ascending" }) {
      const [from, to] = [prefix + start, next(prefix + start)];
      const range =
        after === undefined
          ? { key: from, range_end: to }
          : order === "ascending"
            ? { key: `${prefix}${after}\0`, range_end: to }
            : { key: from, range_end: prefix + after };
      if (range.key >= range.range_end) return [];
      const { answer } = await call("range", {
        key: encoded(range.key),
        range_end: encoded(range.range_end),
        limit: String(limit),
        sort_target: "KEY",
        sort_order: order === "ascending" ? "ASCEND" : "DESCEND",
      });
      const entries = entriesOf(answer);
      // The engine is trusted for nothing: the same page over and over would be a list without end.
      let before = after;
      for (const { key } of entries) {
        const isNext = before === undefined || (order === "ascending" ? key > before : key < before);
        if (!isNext || !key.startsWith(start)) throw strange("keys that were not asked for, or not in order");
        before = key;
      }
      if (entries.length > limit) throw strange("more than was asked for");
      return entries;
    },

    async swap(key, expected, value) {
      checkKey(key);
      if (value !== null) checkValue(key, value);
      const name = encoded(prefix + key);
      const compare =
        expected === null
          ? { key: name, target: "VERSION", version: "0" }
          : { key: name, target: "VALUE", value: base64(expected) };
      const change =
        value === null
          ? { request_delete_range: { key: name } }
          : { request_put: { key: name, value: base64(value) } };
      const { answer, unsure } = await call("txn", { compare: [compare], success: [change] });
      if (answer.has("succeeded") && answer.get("succeeded").boolean()) return true;
      // The first attempt may have been carried out though its answer was lost: then our value is there.
      if (!unsure) return false;
      const found = await get(key);
      return found === null || value === null ? found === value : sameBytes(found, value);
    },
  };
}

/** The smallest text above all that begin with `prefix`. Keys are ASCII, so the last character can always rise. */
function next(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}

function strange(what: string): NixsealError {
  return new NixsealError("malformed", `etcd answers with ${what}`, {
    hint: "is something else at its address?",
  });
}

function encoded(text: string): string {
  return base64(utf8(text));
}

function decoded(field: Field): Uint8Array {
  const bytes = fromBase64(field.string());
  if (bytes === null) throw field.wrong("base64");
  return bytes;
}

function refusal(url: string, status: number, body: Uint8Array): NixsealError {
  let reason = "";
  try {
    const said = Field.parse(utf8Text(body, "etcd's answer"), "answer");
    if (said.has("error")) reason = `: ${said.get("error").string().slice(0, 200)}`;
  } catch (error) {
    if (!(error instanceof NixsealError)) throw error; // an answer that is not etcd's says nothing more
  }
  // What the cluster cannot do now it may do soon; what it finds wrong stays wrong.
  return new NixsealError(status >= 500 ? "io" : "tool", `${url}: answer ${status}${reason}`);
}
