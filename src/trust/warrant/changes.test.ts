import assert from "node:assert/strict";
import { test } from "node:test";
import { closurePath, pathOf, sorted } from "../../../test/support/warrants.ts";
import { sha256 } from "../../nix/hash.ts";
import { compareClosures } from "./changes.ts";
import { differencesOf } from "./differences.ts";

const before = [
  closurePath("openssl-3.0.13"),
  closurePath("glibc-2.39"),
  closurePath("nano-7.2"),
  closurePath("etc"),
];

test("packages are new, gone, of other versions, or built anew", () => {
  const rebuilt = { ...closurePath("glibc-2.39"), path: pathOf("another").replace("another", "glibc-2.39") };
  const after = [
    closurePath("openssl-3.0.14", [], "a longer content"),
    { ...closurePath("glibc-2.39"), path: rebuilt.path as (typeof before)[0]["path"] },
    closurePath("etc"),
    closurePath("vim-9.1"),
    closurePath("openssl-3.0.9"),
  ];
  const change = compareClosures(before, after);
  assert.deepEqual(
    change.changed.map((one) => [one.name, one.before, one.after]),
    [["openssl", ["3.0.13"], ["3.0.9", "3.0.14"]]],
  );
  assert.deepEqual(
    change.added.map(({ name }) => name),
    ["vim"],
  );
  assert.deepEqual(
    change.removed.map(({ name }) => name),
    ["nano"],
  );
  assert.deepEqual(
    change.rebuilt.map(({ name }) => name),
    ["glibc"],
  );
  assert.deepEqual(change.altered, []);
});

test("the same path with another content is said, also where only references differ", () => {
  const planted = { ...before[0]!, narHash: sha256("evil") };
  const drawn = { ...before[1]!, references: [pathOf("evil")] };
  const { altered } = compareClosures(before, [planted, drawn, ...before.slice(2)]);
  assert.deepEqual(altered, [planted.path, drawn.path]);
});

test("a store that holds what was signed has no differences; each field that differs is one", () => {
  const signed = sorted(before);
  assert.deepEqual(differencesOf(signed, before), []);
  const [one, two, three] = signed;
  const found = [
    { ...one!, narHash: sha256("evil") },
    { ...two!, narSize: two!.narSize + 1, references: [one!.path] },
    { ...three!, contentAddress: { method: "nar", hash: three!.narHash } as const },
    closurePath("sudo-1.0"),
  ];
  assert.deepEqual(
    differencesOf(signed, found).map(({ path, field }) => [path, field]),
    [
      [one!.path, "narHash"],
      [two!.path, "narSize"],
      [two!.path, "references"],
      [three!.path, "ca"],
      [signed[3]!.path, "missing"],
      [pathOf("sudo-1.0"), "extra"],
    ],
  );
});
