import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { utf8 } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import { parseConfig } from "./config.ts";

const parse = (value: unknown) => parseConfig(utf8(JSON.stringify(value)));
const least = { version: 1, feed: "https://example.org/feed", root: "/etc/nixseal/root.json" };

test("what is not said is attended: the policy is to notify", () => {
  const { critical, minimum, neverStop } = parse(least);
  assert.deepEqual([critical, minimum, neverStop], ["notify", "high", []]);
});

test("what nobody would read, or could mean something else, is an error with a way out", () => {
  for (const [bad, message] of [
    [{ ...least, neverstop: [] }, /unknown key "neverstop"/],
    [{ ...least, critical: "kill" }, /"notify" or "patch" or "stop"/],
    [{ ...least, feed: "ftp://example.org" }, /a URL of http or https/],
    [{ ...least, feed: "feed" }, /an absolute path/],
    [{ ...least, root: "root.json" }, /an absolute path/],
    [{ ...least, neverStop: ["a b.service"] }, /the name of a unit/],
    [{ ...least, neverStop: "a.service" }, /a list/],
    [{ ...least, version: 2 }, /\$\.version/],
    [{ feed: least.feed, root: least.root }, /'version' is missing/],
    [[], /an object/],
    [null, /an object/],
  ] as const)
    assert.throws(() => parse(bad), { code: "config", message });
  assert.throws(() => parseConfig(utf8("{")), { code: "config" });
  assert.throws(() => parseConfig(new Uint8Array([0xff])), NixsealError);
});

test("anything else is an error of ours, never a crash", () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      try {
        parseConfig(utf8(text));
      } catch (error) {
        assert.ok(error instanceof NixsealError);
      }
    }),
  );
});
