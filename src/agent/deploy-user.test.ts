import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../test/support/temporary.ts";

test("whoever took over the deploy user's account gets no hold of root's terminal", (t) => {
  const directory = temporaryDirectory(t);
  // As runuser(1), for tests that are not root: the same user, in the same session.
  const runuser = join(directory, "runuser");
  writeFileSync(runuser, '#!/bin/sh\nshift 3\nexec "$@"\n');
  chmodSync(runuser, 0o755);
  const ours = (file: string): string => new URL(file, import.meta.url).href;
  const module = join(directory, "as-root.mjs");
  writeFileSync(
    module,
    `import { asDeployUser } from "${ours("./deploy-user.js")}";
     import { processes } from "${ours("../system/processes.js")}";
     const heard = [];
     const program = ["sh", "-c", "printf 'a\\\\033[2Jb' >&2; (: < /dev/tty) 2> /dev/null && echo held || echo none"];
     const files = { status: async () => ({ uid: 0 }) };
     const { stdout } = await asDeployUser({ files, processes, program, say: (text) => heard.push(text) }, "", "deploy", []);
     console.log("terminal: " + stdout.trim() + ", heard: " + JSON.stringify(heard));`,
  );
  // script(1) gives it a terminal of its own, as root has one who types the command.
  const { stdout } = spawnSync("script", ["-qec", `'${process.execPath}' '${module}'`, "/dev/null"], {
    encoding: "utf8",
    env: { ...process.env, PATH: `${directory}:${process.env["PATH"]}` },
    timeout: 60_000,
  });
  assert.match(stdout, /terminal: none, heard: \["a\\\\x1b\[2Jb"\]/);
});
