import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { nixseal, testFleet, type TestFleet } from "./support/fleet.ts";
import { temporaryDirectory } from "./support/temporary.ts";

/** An editor that writes, says that it is there, and goes on until a file named `go` appears. */
const editor = `#!/bin/sh
trap '' INT QUIT
printf edited > "$1"
echo "$1" > there
for _ in $(seq 200); do [ -e go ] && exit; sleep 0.05; done
`;

interface Editing {
  readonly fleet: TestFleet;
  readonly memory: string;
  readonly child: ChildProcess;
}

/** A value that is being edited, the editor open, all in a process group of its own. */
async function startEditing(context: TestContext): Promise<Editing> {
  const groups: number[] = [];
  context.after(() => {
    try {
      for (const group of groups) process.kill(-group, "SIGKILL");
    } catch {
      // All of it has ended by itself.
    }
  });
  const fleet = testFleet(context, `[secrets.one]\nhosts = ["web"]\n`);
  assert.equal(fleet.run(["secrets", "set", "one"], "before").code, 0);
  fleet.write("editor", editor);
  chmodSync(fleet.file("editor"), 0o700);
  const memory = temporaryDirectory(context, "/dev/shm");
  const child = spawn(nixseal, ["secrets", "edit", "one"], {
    cwd: fleet.directory,
    env: { ...fleet.env, EDITOR: fleet.file("editor"), XDG_RUNTIME_DIR: memory },
    stdio: "ignore",
    detached: true,
  });
  groups.push(child.pid!);
  while (!existsSync(fleet.file("there")) || readFileSync(fleet.file("there")).length === 0) await sleep(20);
  return { fleet, memory, child };
}

test("a signal that ends us while the editor is open takes the plaintext along", async (context) => {
  for (const signal of ["SIGTERM", "SIGHUP"] as const) {
    const { memory, child } = await startEditing(context);
    assert.equal(readdirSync(memory).length, 1);
    child.kill(signal);
    assert.deepEqual(await once(child, "exit"), [null, signal]);
    assert.deepEqual(readdirSync(memory), []);
  }
});

test("ctrl-c while the editor is open is the editor's: nothing is left behind and nothing lost", async (context) => {
  const { fleet, memory, child } = await startEditing(context);
  process.kill(-child.pid!, "SIGINT");
  process.kill(-child.pid!, "SIGQUIT");
  await sleep(200);
  fleet.write("go", "");
  assert.deepEqual(await once(child, "exit"), [0, null]);
  assert.deepEqual(readdirSync(memory), []);
  assert.equal(fleet.run(["secrets", "get", "one"]).stdout, "edited");
});
