/** Against an engine that lies; the real one answers in test/state/. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { base64, utf8 } from "../core/bytes.ts";
import type { Https } from "../core/http-ports.ts";
import { SecretValue } from "../core/secret-value.ts";
import { readLog } from "../log/log.ts";
import { etcdState } from "./etcd-state.ts";

function answering(...keys: readonly string[]) {
  const kvs = keys.map((key) => ({ key: base64(utf8(key)), value: base64(utf8("x\n")) }));
  const https: Https = { post: async () => ({ status: 200, body: utf8(JSON.stringify({ kvs })) }) };
  const nobody = { authorities: utf8(""), certificate: utf8(""), key: new SecretValue(utf8("")) };
  const clock = { now: () => new Date(0), sleep: async () => undefined };
  return etcdState(https, clock, { endpoints: ["https://etcd"], identity: nobody, prefix: "/nixseal/lab/" });
}

test("an engine that gives the same page over and over makes no list without end", async () => {
  const page = Array.from(
    { length: 16 },
    (_, index) => `/nixseal/lab/log/${String(index + 1).padStart(10, "0")}`,
  );
  const read = async (): Promise<void> => {
    let lines = 0;
    for await (const _ of readLog(answering(...page))) assert.ok(++lines < 100, "no end");
  };
  await assert.rejects(read, { code: "malformed", message: /not in order/ });
});

test("keys that nobody asked for are refused", async () => {
  const lists = [
    ["/nixseal/lab/rollout/a"],
    ["/nixseal/other/log/1"],
    ["/nixseal/lab/log/2", "/nixseal/lab/log/1"],
  ];
  for (const keys of lists)
    await assert.rejects(
      answering(...keys).list("log/", { limit: 9 }),
      { code: "malformed" },
      keys.join(" "),
    );
  await assert.rejects(answering("/nixseal/lab/log/1", "/nixseal/lab/log/2").list("log/", { limit: 1 }), {
    code: "malformed",
  });
  await assert.rejects(answering("/nixseal/lab/lease/host/b").get("lease/host/a"), { code: "malformed" });
  assert.equal((await answering("/nixseal/lab/log/1").list("log/", { limit: 9 })).length, 1);
});
