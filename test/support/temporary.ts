import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

/** A directory of the test's own, removed when the test ends. */
export function temporaryDirectory(context: TestContext, parent = tmpdir()): string {
  const directory = mkdtempSync(join(parent, "nixseal-test-"));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
