import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { checkStep, enterSandbox, parseSession, top } from "./console.ts";

const transcripts = join(top, "test/cli");

for (const name of readdirSync(transcripts).filter((file) => file.endsWith(".txt"))) {
  test(`transcript ${name}`, () => {
    const sandbox = enterSandbox();
    try {
      for (const step of parseSession(readFileSync(join(transcripts, name), "utf8")))
        checkStep(step, `test/cli/${name}`, sandbox);
    } finally {
      sandbox.leave();
    }
  });
}
