/** What a signal leaves behind when it comes in the middle. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { AgeTools, random } from "../../../test/support/age-tools.ts";

const program = fileURLToPath(new URL("../../../../bin/nixseal", import.meta.url));

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  test(`decrypting to a file, ended by ${signal}: no file at all`, async (context) => {
    const tools = new AgeTools(context);
    const file = tools.run("age", ["-r", tools.ageKey("key")], random.bytes(4 << 20));
    const before = readdirSync(tools.directory);
    const child = spawn(program, ["age", "decrypt", "-i", "key", "-o", "plain"], {
      cwd: tools.directory,
      stdio: ["pipe", "ignore", "inherit"],
    });
    const ended = new Promise((resolve) => child.once("exit", (code, by) => resolve(by ?? code)));
    child.stdin.on("error", () => undefined); // it ends with its input open: that is the point
    child.stdin.write(file.subarray(0, 3 << 20)); // and no end: it waits for more
    // Under way is what has content: the program is past the moment at which it makes the file.
    const underWay = (): string[] =>
      readdirSync(tools.directory).filter(
        (name) => !before.includes(name) && statSync(tools.path(name)).size > 0,
      );
    while (underWay().length === 0)
      assert.equal(await Promise.race([ended, setTimeout(10, "still runs")]), "still runs");
    child.kill(signal);
    assert.equal(await ended, signal);
    assert.deepEqual(readdirSync(tools.directory), before);
  });
}
