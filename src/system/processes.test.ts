import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../test/support/temporary.ts";
import { utf8, utf8Text } from "../core/bytes.ts";
import { processes } from "./processes.ts";

const node = process.execPath;

test("arguments reach the program as they are: no shell splits or expands them", async () => {
  const words = ["$HOME", "a b", "; echo pwned", "*", ""];
  const { stdout } = await processes.run({
    program: node,
    args: ["-p", "JSON.stringify(process.argv.slice(1))", "--", ...words],
  });
  assert.deepEqual(JSON.parse(utf8Text(stdout, "output")), words);
});

test("input goes to stdin; the exit code and stderr are results", async () => {
  const script = "process.stdin.pipe(process.stdout); process.stderr.write('careful'); process.exitCode = 7";
  const result = await processes.run({ program: node, args: ["-e", script], input: utf8("hidden") });
  assert.deepEqual([result.code, utf8Text(result.stdout, ""), result.stderr], [7, "hidden", "careful"]);
});

test("a signal counts as 128 + its number", async () => {
  assert.equal(
    (await processes.run({ program: node, args: ["-e", "process.kill(process.pid, 'SIGTERM')"] })).code,
    143,
  );
});

test("only a fixed set of our environment reaches the child", async () => {
  process.env["NIXSEAL_TEST_SECRET"] = "x";
  const script =
    "JSON.stringify([process.env.NIXSEAL_TEST_SECRET ?? null, process.env.ADDED, process.env.HOME ?? null])";
  const run = await processes.run({
    program: node,
    args: ["-p", script],
    env: { ADDED: "y", HOME: undefined },
  });
  assert.deepEqual(JSON.parse(utf8Text(run.stdout, "")), [null, "y", null]);
});

test("bounds: time, output, a program that is not there", async () => {
  const forever = { program: node, args: ["-e", "setInterval(() => {}, 1000)"], timeout: 300 };
  await assert.rejects(processes.run(forever), { code: "timeout" });
  const endless = {
    program: node,
    args: ["-e", "setInterval(() => process.stdout.write('x'.repeat(65536)), 0)"],
    maxOutput: 1 << 20,
  };
  await assert.rejects(processes.run(endless), { code: "limit" });
  await assert.rejects(processes.run({ program: "nixseal-no-such-program", args: [] }), {
    code: "not-found",
  });
});

test("a conversation goes back and forth and ends with the exit code", async () => {
  const echo = processes.converse({ program: "cat", args: [] });
  for (const line of ["one", "two"]) {
    await echo.write(utf8(line));
    assert.deepEqual(await echo.read(), utf8(line));
  }
  assert.equal((await echo.end()).code, 0);
});

test("a conversation with a silent or missing program ends", async () => {
  const silent = processes.converse({
    program: node,
    args: ["-e", "setInterval(() => {}, 1000)"],
    timeout: 300,
  });
  await assert.rejects(silent.read(), { code: "timeout" });
  // Silent for less than the timeout each time.
  const chatty = processes.converse({
    program: node,
    args: ["-e", "setInterval(() => process.stdout.write('.'), 50)"],
    timeout: 10_000,
    lifetime: 1_000,
  });
  await assert.rejects(
    async () => {
      while ((await chatty.read()) !== null);
    },
    { code: "timeout" },
  );
  const missing = processes.converse({ program: "nixseal-no-such-program", args: [] });
  await assert.rejects(missing.read(), { code: "not-found" });
});

test("what a killed program has started keeps nobody: neither the error nor our own end waits for it", (t) => {
  const module = join(temporaryDirectory(t), "parent.mjs");
  writeFileSync(
    module,
    `import { processes } from "${new URL("./processes.js", import.meta.url).href}";
     await processes.run({ program: "sh", args: ["-c", "sleep 60 & wait"], timeout: 300 }).catch((error) => console.log(error.code));`,
  );
  const { status, stdout } = spawnSync(node, [module], { encoding: "utf8", timeout: 30_000 });
  assert.deepEqual([status, stdout], [0, "timeout\n"]);
});
