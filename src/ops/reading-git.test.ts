import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { processes } from "../system/processes.ts";
import { formerCiphertexts } from "./secrets/former-ciphertexts.ts";
import { gitSource } from "./warrant/git-source.ts";

test("a repository that was committed into the fleet's directory runs nothing, and is not read in the other's place", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "nixseal-reading-git-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const git = (where: string, ...args: string[]): string =>
    execFileSync("git", ["-C", where, "-c", "user.name=a", "-c", "user.email=a@b", ...args], {
      encoding: "utf8",
    }).trim();
  const [fleet, ran, evil] = ["fleet", "ran", "evil"].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(evil, `#!/bin/sh\n>> '${ran}' echo "$0"\ncat\n`);
  chmodSync(evil, 0o755);
  mkdirSync(join(fleet, "secrets"), { recursive: true });
  git(directory, "init", "--quiet", directory);
  writeFileSync(join(fleet, "secrets/db.age"), "honest");
  git(directory, "add", "fleet");
  git(directory, "commit", "--quiet", "-m", "honest");
  const honest = await formerCiphertexts({ processes }, fleet, "db", "");
  assert.equal(honest.length, 1);

  // What a merge request can bring: files of the names that git looks for, with a configuration of its own.
  const other = join(directory, "other");
  git(directory, "init", "--quiet", other);
  mkdirSync(join(other, "secrets"));
  writeFileSync(join(other, ".gitattributes"), "* filter=evil\n");
  writeFileSync(join(other, "secrets/db.age"), "planted");
  git(other, "add", ".");
  git(other, "commit", "--quiet", "-m", "planted");
  const signed = git(other, "cat-file", "commit", "HEAD").replace(
    /^committer .*$/m,
    "$&\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n AAAA\n -----END PGP SIGNATURE-----",
  );
  const id = execFileSync("git", ["-C", other, "hash-object", "-t", "commit", "-w", "--stdin"], {
    encoding: "utf8",
    input: `${signed}\n`,
  }).trim();
  git(other, "update-ref", "HEAD", id);
  for (const [name, value] of [
    ["log.showSignature", "true"],
    ["gpg.program", evil],
    ["filter.evil.clean", evil],
    ["core.bare", "false"],
    ["core.worktree", other],
  ] as const)
    git(other, "config", name, value);
  execFileSync("cp", [
    "-r",
    ...["HEAD", "objects", "refs", "config", "index"].map((name) => join(other, ".git", name)),
    fleet,
  ]);
  writeFileSync(join(other, "secrets/db.age"), "changed");

  const refused = { code: "refused", message: /inside of another one/ };
  await assert.rejects(formerCiphertexts({ processes }, fleet, "db", ""), refused);
  await assert.rejects(gitSource({ processes, emit: () => undefined }, fleet, "f"), refused);
  assert.equal(existsSync(ran), false, "a program of its configuration was run");
});
