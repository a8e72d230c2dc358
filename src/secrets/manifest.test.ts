import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { utf8 } from "../core/bytes.ts";
import { canonicalJson, type Json } from "../core/canonical-json.ts";
import { NixsealError } from "../core/errors.ts";
import { manifestLimits, manifestText, parseManifest } from "./manifest.ts";

const secret = {
  credential: { name: "admin", unit: "grafana.service" },
  digest: "00".repeat(32),
  group: "grafana",
  mode: "0400",
  name: "grafana-admin",
  owner: "grafana",
  path: "/run/nixseal/secrets/grafana-admin",
  reload: [],
  restart: ["grafana.service"],
  source: "secrets/grafana-admin.age",
  stage: "default",
  together: null,
};
const manifest = {
  host: "lufta",
  identities: ["/etc/ssh/ssh_host_ed25519_key"],
  secrets: [secret],
  version: 1,
};

const parse = (value: Json) => parseManifest(utf8(canonicalJson(value)));

function refusal(value: Json): NixsealError {
  return refusalOf(utf8(canonicalJson(value)));
}

function refusalOf(bytes: Uint8Array): NixsealError {
  try {
    parseManifest(bytes, { file: "m.json" });
  } catch (error) {
    assert.ok(error instanceof NixsealError);
    assert.equal(error.where?.file, "m.json");
    return error;
  }
  return assert.fail("was accepted");
}

test("a manifest is read and written byte for byte, with or without a newline at its end", () => {
  const text =
    '{"host":"lufta","identities":["/etc/ssh/ssh_host_ed25519_key"],"secrets":[{"credential":{"name":"admin","unit":"grafana.service"},' +
    `"digest":"${"00".repeat(32)}","group":"grafana","mode":"0400","name":"grafana-admin","owner":"grafana",` +
    '"path":"/run/nixseal/secrets/grafana-admin","reload":[],"restart":["grafana.service"],"source":"secrets/grafana-admin.age",' +
    '"stage":"default","together":null}],"version":1}';
  assert.equal(manifestText(parseManifest(utf8(text))), text);
  assert.equal(manifestText(parseManifest(utf8(`${text}\n`))), text);
  assert.equal(refusalOf(utf8(`${text}\n\n`)).code, "config");
});

test("each wrong field is refused with its JSON path", () => {
  const wrong: [field: string, value: Json][] = [
    ["name", "../x"],
    ["name", ""],
    ["name", "-rf"],
    ["name", "a".repeat(65)],
    ["source", "../secrets/x.age"],
    ["source", "/etc/shadow"],
    ["source", "secrets//x.age"],
    ["source", "a/./b"],
    ["source", "a\u0000b"],
    ["source", "a\nb"],
    ["path", "relative"],
    ["path", "/etc/../etc/x"],
    ["path", "/etc/x/"],
    ["path", "/"],
    ["path", "//etc"],
    ["path", `/${"a".repeat(256)}`],
    ["path", "/run/nixseal"],
    ["path", "/run"],
    ["path", "/run/nixseal/lock"],
    ["path", "/run/nixseal/secrets/other"],
    ["path", "/run/nixseal/generations/1/x"],
    ["path", "/nix/store/x"],
    ["digest", "00"],
    ["digest", "AA".repeat(32)],
    ["mode", "400"],
    ["mode", "4400"],
    ["mode", "0666"],
    ["mode", "0402"],
    ["mode", "0o400"],
    ["mode", 256],
    ["owner", "a b"],
    ["owner", "-1"],
    ["owner", "4294967295"],
    ["owner", "00"],
    ["group", "a:b"],
    ["stage", "early"],
    ["restart", ["--now.service"]],
    ["restart", ["grafana"]],
    ["restart", ["a.service b.service"]],
    ["restart", "grafana.service"],
    ["reload", Array.from({ length: 65 }, () => "a.service")],
    ["credential", { name: "x/y", unit: "a.service" }],
    ["together", "a b"],
  ];
  for (const [field, value] of wrong) {
    const error = refusal({ ...manifest, secrets: [{ ...secret, [field]: value }] });
    assert.ok(["config", "limit"].includes(error.code), `${field} ${JSON.stringify(value)}: ${error.code}`);
    assert.ok(error.message.startsWith(`$.secrets[0].${field}`), error.message);
    assert.doesNotMatch(error.message, /\p{Cc}/u);
  }
});

test("numbers as accounts, custom paths and other modes are fine", () => {
  for (const change of [
    { owner: "0", group: "4294967294" },
    { path: "/etc/wireguard/key" },
    { path: "/run/nixsealed" },
    { mode: "0440" },
    { mode: "0444" },
    { stage: "users" },
  ])
    assert.ok(parse({ ...manifest, secrets: [{ ...secret, ...change }] }));
});

test("unknown and missing keys are refused, with the name that was probably meant", () => {
  const { owner, ...without } = secret;
  assert.match(
    refusal({ ...manifest, secrets: [without] }).message,
    /\$\.secrets\[0\]: key 'owner' is missing/,
  );
  const unknown = refusal({ ...manifest, secrets: [{ ...secret, ownr: owner }] });
  assert.match(unknown.hint ?? "", /did you mean 'owner'/);
  assert.match(refusal({ ...manifest, extra: 1 }).message, /^\$: unknown key "extra"/);
  const hidden = manifestText(manifest as never).replace('"version":1', '"__proto__":{},"version":1');
  assert.equal(refusalOf(utf8(hidden)).code, "config");
});

test("another version is named before its unknown keys are", () => {
  assert.match(refusal({ ...manifest, version: 2, more: true }).message, /version 2 is not known/);
});

test("secrets are sorted, and neither names nor paths nor identities repeat", () => {
  const other = { ...secret, name: "b", path: "/etc/b" };
  const pair = (a: object, b: object) => refusal({ ...manifest, secrets: [a as Json, b as Json] }).message;
  assert.match(pair(secret, other), /\[1\]\.name: 'b' must stand before 'grafana-admin'/);
  assert.match(pair(secret, secret), /there twice/);
  assert.match(
    pair({ ...other, path: "/x" }, { ...secret, path: "/x" }),
    /\[1\]\.path: '\/x' belongs to 'b'/,
  );
  assert.match(pair({ ...other, path: "/x/y/z" }, { ...secret, path: "/x" }), /\[0\]\.path: .* inside/);
  assert.match(refusal({ ...manifest, identities: ["/a", "/a"] }).message, /identities\[1\]/);
  assert.match(refusal({ ...manifest, identities: [] }).message, /\$\.identities/);
});

test("two spellings of one manifest are one too many", () => {
  const text = manifestText(manifest as never);
  for (const other of [
    text.replace('"version":1', '"version": 1'),
    text.replace('"host":"lufta"', '"host":"evil","host":"lufta"'),
    text.replace("lufta", "\\u006cufta"),
    text.replace('"name":"admin","unit":"grafana.service"', '"unit":"grafana.service","name":"admin"'),
    `{"version":1,${text.slice(1, -'"version":1}'.length - 1)}}`,
    text.replace('"version":1', '"version":1.0'),
    ` ${text}`,
    `${text}x`,
  ])
    assert.equal(refusalOf(utf8(other)).code, "config", other);
  assert.equal(
    refusalOf(utf8(text.replace('"version":1', '"version": 1'))).where?.offset,
    text.indexOf("1}", text.length - 2),
  );
});

test("sizes and counts are bounded", () => {
  assert.equal(refusalOf(new Uint8Array(manifestLimits.bytes + 1)).code, "limit");
  const many = Array.from({ length: manifestLimits.secrets + 1 }, () => null);
  assert.equal(refusal({ ...manifest, secrets: many }).code, "limit");
  assert.equal(refusalOf(utf8("[".repeat(1_000_000))).code, "config");
});

test("ten thousand secrets are read", () => {
  const secrets = Array.from({ length: manifestLimits.secrets }, (_, index) => {
    const name = `s${String(index).padStart(5, "0")}`;
    return { ...secret, name, path: `/run/nixseal/secrets/${name}` };
  });
  assert.equal(parse({ ...manifest, secrets }).secrets.length, manifestLimits.secrets);
});

test("whatever the bytes, the answer is a manifest or an error of ours", () => {
  const text = manifestText(manifest as never);
  const mutation = fc
    .array(fc.tuple(fc.nat(text.length), fc.nat(3), fc.string({ maxLength: 4 })), { maxLength: 4 })
    .map((edits) => edits.reduce((s, [at, cut, put]) => s.slice(0, at) + put + s.slice(at + cut), text));
  const answer = (bytes: Uint8Array) => {
    try {
      const read = parseManifest(bytes);
      assert.equal(manifestText(read), new TextDecoder().decode(bytes).replace(/\n$/, ""));
    } catch (error) {
      assert.ok(error instanceof NixsealError, String(error));
      assert.notEqual(error.code, "bug");
    }
  };
  fc.assert(fc.property(mutation, (mutated) => answer(utf8(mutated))));
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), answer));
  fc.assert(fc.property(fc.json(), (json) => answer(utf8(json))));
});
