import assert from "node:assert/strict";
import { test } from "node:test";
import type { Files } from "../../core/file-ports.ts";
import type { Command } from "../../core/ports.ts";
import { files } from "../../system/files.ts";
import { layoutOf } from "./layout.ts";
import { ensureMemory } from "./memory.ts";

interface Machine {
  readonly type: "tmpfs" | "ramfs" | "other";
  readonly mounted?: boolean;
  readonly generations?: readonly string[];
  readonly swaps?: string;
  /** Types that mount(8) accepts. */
  readonly mountable?: readonly string[];
}

const header = "Filename\tType\tSize\tUsed\tPriority\n";

async function on(machine: Machine): Promise<{ readonly warnings: string[]; readonly tried: string[][] }> {
  const tried: string[][] = [];
  const port: Files = {
    ...files,
    fileSystem: async () => machine.type,
    list: async () => [...(machine.generations ?? [])],
    status: async (path) => {
      const device = machine.mounted === true && path.endsWith("generations") ? 2 : 1;
      return { ...(await files.status("/"))!, device };
    },
    read: async () => new TextEncoder().encode(machine.swaps ?? header),
  };
  const run = async ({ program, args }: Command) => {
    tried.push([program, ...args]);
    const code = machine.mountable?.includes(args[1]!) === true ? 0 : 32;
    return { code, stdout: new Uint8Array(), stderr: code === 0 ? "" : "mount: permission denied.\n" };
  };
  return { warnings: await ensureMemory(port, { run }, layoutOf("")), tried };
}

test("tmpfs without swap is mounted once, over the generations only", async () => {
  const { warnings, tried } = await on({ type: "tmpfs", mountable: ["tmpfs"] });
  const place = "/run/nixseal/generations";
  assert.deepEqual(tried, [
    ["mount", "-t", "tmpfs", "-o", "nosuid,nodev,noexec,mode=0751,noswap", "nixseal", place],
  ]);
  assert.deepEqual(warnings, []);
});

test("an older kernel has no noswap: ramfs", async () => {
  const { warnings, tried } = await on({ type: "tmpfs", mountable: ["ramfs"] });
  assert.deepEqual([tried.length, tried[1]![2], warnings], [2, "ramfs", []]);
});

test("nothing is mounted over what is there already", async () => {
  for (const machine of [
    { type: "ramfs" },
    { type: "tmpfs", mounted: true },
    { type: "tmpfs", generations: ["1"] },
  ] as const)
    assert.deepEqual((await on({ ...machine, mountable: ["tmpfs"] })).tried, []);
});

test("where mounting is not allowed, /run has to do; with swap that is told", async () => {
  assert.deepEqual((await on({ type: "tmpfs" })).warnings, []);
  const swaps = `${header}/dev/sda2\tpartition\t1\t0\t-2\n`;
  assert.match(
    (await on({ type: "tmpfs", swaps })).warnings[0]!,
    /may be swapped out; no tmpfs: mount: permission denied/,
  );
  assert.match((await on({ type: "tmpfs", swaps, generations: ["1"] })).warnings[0]!, /may be swapped out/);
});

test("a disk is refused, but told only below another root", async () => {
  await assert.rejects(on({ type: "other" }), { code: "refused", message: /no file system in memory/ });
  const port: Files = { ...files, fileSystem: async () => "other" };
  const run = () => assert.fail("nothing is mounted below another root");
  assert.match((await ensureMemory(port, { run }, layoutOf("/mnt")))[0]!, /is on a disk/);
});
