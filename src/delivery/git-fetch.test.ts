import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../test/support/temporary.ts";
import type { Command } from "../core/ports.ts";
import { files } from "../system/files.ts";
import { processes } from "../system/processes.ts";
import { fetchBranch } from "./git-fetch.ts";

async function commands(url: string, free: number): Promise<Command[]> {
  const found: Command[] = [];
  const world = {
    processes: {
      run: async (command: Command) => {
        found.push(command);
        return { code: 0, stdout: new Uint8Array(), stderr: "" };
      },
    },
    files: {
      makeDirectory: async () => undefined,
      statusOfLink: async () => null,
      freeSpace: async () => free,
    },
  };
  await fetchBranch(world, { url, branch: "main" }, "/pull/repository");
  return found;
}

test("what a forge shows leaves room on the disk, however often it shows something else", async () => {
  const disk = 1 << 30;
  for (const { args } of await commands("https://example.org/fleet", disk)) {
    const most = Number(/^--fsize=(\d+)$/.exec(args[0]!)?.[1]);
    assert.ok(2 * most <= disk - (256 << 20), `${most}`); // a pack and its index
    assert.ok(args.includes("fetch.unpackLimit=1"));
  }
  await assert.rejects(commands("https://example.org/fleet", 270 << 20), {
    code: "io",
    message: /too little room/,
  });
});

test("a redirect cannot change git's way of transport", async () => {
  for (const [url, protocol] of [
    ["https://example.org/fleet", "https"],
    ["http://example.org/fleet", "http"],
    ["ssh://git@example.org/fleet", "ssh"],
    ["/srv/fleet.git", "file"],
    ["git://example.org/fleet", "none"],
  ])
    for (const { env } of await commands(url!, 2 ** 40))
      assert.equal(env!["GIT_ALLOW_PROTOCOL"], protocol, url);
});

test("of the other side's references only the branch and the approvals come, and the approvals need not be there", async (t) => {
  const directory = temporaryDirectory(t);
  const [origin, copy] = [join(directory, "origin"), join(directory, "copy")];
  const git = (...words: string[]): string =>
    execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@example.org", ...words], {
      encoding: "utf8",
      env: { PATH: process.env["PATH"], GIT_CONFIG_GLOBAL: "/dev/null" },
    }).trim();
  git("init", "--quiet", "--initial-branch=main", origin);
  git("-C", origin, "commit", "--quiet", "--allow-empty", "-m", "one");
  const references = (): string[] =>
    git("-C", copy, "for-each-ref", "--format=%(refname)").split("\n").sort();
  await fetchBranch({ files, processes }, { url: origin, branch: "main" }, copy);
  assert.deepEqual(references(), ["refs/heads/main"]);
  for (const name of ["approvals", "approvals-1", "approvals-2"])
    git("-C", origin, "update-ref", `refs/notes/nixseal-${name}`, "HEAD");
  await fetchBranch({ files, processes }, { url: origin, branch: "main" }, copy);
  assert.deepEqual(references(), ["refs/heads/main", "refs/notes/nixseal-approvals"]);
});
