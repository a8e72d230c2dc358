import assert from "node:assert/strict";
import { test } from "node:test";
import { keys, rootOf, signedRoot, start } from "../../../test/support/roots.ts";
import { utf8 } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import { privateKeySigner, signMessage } from "../../ssh/signer.ts";
import { krlNamespace } from "../certificates/decide.ts";
import { decideChain } from "../root/decide.ts";
import { nothingAccepted } from "./state.ts";
import { formatStatusBundle, heldBack, parseStatusBundle, type StatusBundle } from "./status-bundle.ts";

const digest = "ef".repeat(32);

async function bundle(): Promise<StatusBundle> {
  const roots = [rootOf(), rootOf({ version: 2 })];
  const file = utf8("a list");
  return {
    roots: await Promise.all(roots.map((root) => signedRoot(root, [keys[0]!]))),
    krl: { file, signatures: [await signMessage(file, krlNamespace, privateKeySigner(keys[7]!))] },
    heads: new Map([
      ["@edge", { seq: 2, digest }],
      ["web", { seq: 5, digest }],
    ]),
  };
}

test("reads as it was written, and its roots are decided on as ever", async () => {
  const made = await bundle();
  const read = parseStatusBundle(formatStatusBundle(made));
  assert.deepEqual(formatStatusBundle(read), formatStatusBundle(made));
  const decision = decideChain(null, read.roots, start);
  assert.ok(decision.accepted);
  assert.equal(decision.root.version, 2);
  const none = { ...made, krl: null, heads: new Map() };
  assert.deepEqual(parseStatusBundle(formatStatusBundle(none)).krl, null);
});

test("tells in which sequences a host is behind, of those that it follows", async () => {
  const heads = new Map([
    ["web", { seq: 4, digest }],
    ["@edge", { seq: 2, digest }],
    ["@gone", { seq: 9, digest }],
  ]);
  assert.deepEqual(heldBack({ ...nothingAccepted, heads }, await bundle()), ["web"]);
});

test("truncated, changed or in another spelling it is an error, and never a bug", async () => {
  const good = formatStatusBundle(await bundle());
  const fails = (bytes: Uint8Array): void => {
    assert.throws(
      () => parseStatusBundle(bytes),
      (error) => error instanceof NixsealError && ["malformed", "limit", "refused"].includes(error.code),
    );
  };
  for (let end = 0; end < good.length; end += 7) fails(good.subarray(0, end));
  const text = Buffer.from(good).toString("utf8");
  for (const [from, to] of [
    ['"v":1', '"v":2'],
    ['"v":1', '"v":1,"w":1'],
    ['"web"', '"ü"'],
    ['"web"', '"../web"'],
    [digest, "\\ud800"],
    ["{", " {"],
  ] as const)
    fails(utf8(text.replace(from, to)));
});
