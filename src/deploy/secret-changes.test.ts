import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../test/support/temporary.ts";
import { parseStorePath } from "../nix/store-path.ts";
import type { ManifestSecret } from "../secrets/manifest.ts";
import { files } from "../system/files.ts";
import { compareSecrets, manifestsIn, secretChanges } from "./secret-changes.ts";
import { StoreTree } from "./store-tree.ts";

const secret = (name: string, digest: string, more: Partial<ManifestSecret> = {}): ManifestSecret => ({
  credential: null,
  digest: digest.repeat(64),
  group: "root",
  mode: "0400",
  name,
  owner: "root",
  path: `/run/nixseal/secrets/${name}`,
  reload: [],
  restart: [],
  source: `secrets/${name}.age`,
  stage: "default",
  together: null,
  ...more,
});

test("names that come, go, have another ciphertext, or another place", () => {
  const before = [secret("a", "1"), secret("b", "1"), secret("c", "1"), secret("d", "1")];
  const after = [secret("a", "1"), secret("b", "2"), secret("c", "1", { mode: "0444" }), secret("e", "1")];
  assert.deepEqual(compareSecrets(before, after), {
    added: ["e"],
    removed: ["d"],
    changed: ["b"],
    moved: ["c"],
  });
});

test("manifests are found by name, and read where they are; what is not here is unknown", async (t) => {
  const root = temporaryDirectory(t);
  const path = (letter: string, name = "nixseal-web") =>
    parseStorePath(`/nix/store/${letter.repeat(32)}-${name}`);
  const put = (letter: string, secrets: readonly ManifestSecret[]): void => {
    mkdirSync(join(root, path(letter)), { recursive: true });
    const manifest = { host: "web", identities: ["/etc/key"], secrets, version: 1 };
    writeFileSync(join(root, path(letter), "manifest.json"), `${JSON.stringify(manifest)}\n`);
  };
  put("a", [secret("token", "1")]);
  put("b", [secret("token", "2")]);
  const tree = new StoreTree(files, root, "/nix/store");
  const nothing = { added: [], removed: [], changed: [], moved: [] };
  const closure = [path("a"), path("c", "nixseal-web2"), path("d", "glibc-2.40")].map((one) => ({
    path: one,
  }));
  assert.deepEqual(manifestsIn(closure, "web"), [path("a")]);
  assert.deepEqual(await secretChanges(tree, [path("a")], [path("b")]), { ...nothing, changed: ["token"] });
  assert.deepEqual(await secretChanges(tree, [], [path("b")]), { ...nothing, added: ["token"] });
  assert.deepEqual(await secretChanges(tree, [path("a")], []), { ...nothing, removed: ["token"] });
  assert.deepEqual(await secretChanges(tree, [path("f")], [path("f")]), nothing, "the same, wherever it is");
  assert.equal(await secretChanges(tree, [path("f")], [path("b")]), null);
  assert.equal(await secretChanges(tree, [path("a"), path("b")], [path("b")]), null);
  writeFileSync(join(root, path("a"), "manifest.json"), "{}");
  await assert.rejects(secretChanges(tree, [path("a")], [path("b")]), { code: "config" });
});
