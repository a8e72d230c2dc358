import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../test/support/temporary.ts";

test("a question shows the words of others, and obeys none of them", (t) => {
  const module = join(temporaryDirectory(t), "ask.mjs");
  writeFileSync(
    module,
    `import { person } from "${new URL("./person.js", import.meta.url).href}";
     console.log("answer:", await person.askYesNo(${JSON.stringify("web1: gone\u001b[2J\u009b1A\u202e\nsign?")}));`,
  );
  const { stdout } = spawnSync("script", ["-qec", `'${process.execPath}' '${module}'`, "/dev/null"], {
    encoding: "utf8",
    input: "y\r",
    timeout: 60_000,
  });
  assert.match(stdout, /web1: gone\?\[2J\?1A\?\r?\nsign\? \[y\/N\] /);
  assert.match(stdout, /answer: .*true/);
});
