import type { TestContext } from "node:test";
import { systemPorts } from "../../src/system/ports.ts";
import type { Context } from "../../src/ops/op.ts";
import { temporaryDirectory } from "./temporary.ts";

/** The real world with a directory, a clock and an environment of the test's own: for operations that are called directly. */
export function auditContext(
  context: TestContext,
  now: Date,
  environment: Readonly<Record<string, string>> = {},
): Context {
  const workingDirectory = temporaryDirectory(context);
  const variables: Readonly<Record<string, string>> = { HOME: workingDirectory, ...environment };
  return {
    ...systemPorts(new URL("../../src/cli/worker.ts", import.meta.url)),
    clock: { now: () => now, sleep: () => Promise.resolve() },
    environment: { get: (name) => variables[name] },
    emit: () => undefined,
    workingDirectory,
    fleet: undefined,
    json: true,
    passphrase: () => Promise.reject(new Error("nobody is asked")),
    askpass: null,
    agent: [],
  };
}
