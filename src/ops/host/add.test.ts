import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { sshServer } from "../../../test/support/ssh-server.ts";
import { temporaryDirectory } from "../../../test/support/temporary.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Event } from "../../core/events.ts";
import { fleetOf } from "../../../test/support/fleets.ts";
import { systemPorts } from "../../system/ports.ts";
import type { Context } from "../op.ts";
import { hostAdd } from "./add.ts";

interface Scene {
  readonly directory: string;
  readonly port: number;
  readonly fingerprint: Readonly<Record<string, string>>;
}

/** A fleet, and a machine with an Ed25519 and an RSA host key. */
async function scene(test: TestContext): Promise<Scene> {
  const directory = temporaryDirectory(test);
  writeFileSync(join(directory, "fleet.toml"), '[fleet]\nname = "t"\n');
  const fingerprint: Record<string, string> = {};
  for (const type of ["ed25519", "rsa"]) {
    const made = spawnSync("ssh-keygen", ["-q", "-t", type, "-N", "", "-f", join(directory, type)]);
    assert.equal(made.status, 0);
    const shown = spawnSync("ssh-keygen", ["-lf", join(directory, type)], { encoding: "utf8" }).stdout;
    fingerprint[type] = shown.split(" ")[1]!;
  }
  const port = await sshServer(test, directory, [join(directory, "ed25519"), join(directory, "rsa")]);
  return { directory, port, fingerprint };
}

async function add(
  { directory, port }: Scene,
  answer: boolean | undefined,
  more: Readonly<Record<string, unknown>> = {},
): Promise<{ events: Event[]; fleet: string }> {
  const events: Event[] = [];
  const ports = systemPorts(new URL("../../cli/worker.js", import.meta.url));
  const context: Context = {
    ...ports,
    person: {
      ...ports.person,
      askYesNo: async () => {
        if (answer === undefined) throw new NixsealError("refused", "there is no terminal to ask on");
        return answer;
      },
    },
    emit: (event) => void events.push(event),
    workingDirectory: directory,
    fleet: undefined,
    json: false,
    askpass: null,
    agent: [],
    passphrase: () => Promise.reject(new NixsealError("refused", "nobody is here")),
  };
  const input = hostAdd.input.parse({ name: "lufta", address: "127.0.0.1", port, ...more });
  await hostAdd.run(context, input);
  return { events, fleet: readFileSync(join(directory, "fleet.toml"), "utf8") };
}

const refused = (hint: RegExp) => (error: unknown) =>
  error instanceof NixsealError && error.code === "refused" && hint.test(error.hint ?? "");

test(
  "the fingerprint is shown, and after a yes the key is in the fleet",
  { timeout: 60_000 },
  async (context) => {
    const machine = await scene(context);
    const { events, fleet } = await add(machine, true);
    assert.ok(
      events.some(
        (event) => event.type === "step" && event.message.includes(machine.fingerprint["ed25519"]!),
      ),
    );
    const [host] = (await fleetOf(fleet)).hosts.values();
    assert.deepEqual(
      host!.hostKeys.map((key) => key.fingerprint as string),
      [machine.fingerprint["ed25519"]],
    );
    assert.equal(host!.port, machine.port);
  },
);

test(
  "a no, nobody to ask, and another key than the expected one change nothing",
  { timeout: 60_000 },
  async (context) => {
    const machine = await scene(context);
    await assert.rejects(add(machine, false), refused(/nothing was changed/));
    await assert.rejects(add(machine, undefined), refused(/--fingerprint/));
    await assert.rejects(
      add(machine, true, { fingerprint: [`SHA256:${"A".repeat(43)}`] }),
      refused(/in between/),
    );
    assert.equal(readFileSync(join(machine.directory, "fleet.toml"), "utf8"), '[fleet]\nname = "t"\n');
  },
);

test("a fingerprint that the operator brings needs no question", { timeout: 60_000 }, async (context) => {
  const machine = await scene(context);
  const { fleet } = await add(machine, undefined, { fingerprint: [machine.fingerprint["rsa"]] });
  const [host] = (await fleetOf(fleet)).hosts.values();
  assert.deepEqual(
    host!.hostKeys.map((key) => key.type),
    ["ssh-rsa"],
  );
});

test("a machine that does not answer is an error with a way out", { timeout: 60_000 }, async (context) => {
  const directory = temporaryDirectory(context);
  writeFileSync(join(directory, "fleet.toml"), "");
  await assert.rejects(
    add({ directory, port: 1, fingerprint: {} }, true),
    (error) => error instanceof NixsealError && error.code === "tool" && /--host-key/.test(error.hint ?? ""),
  );
});
