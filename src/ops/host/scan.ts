import { NixsealError } from "../../core/errors.ts";
import type { SshKey } from "../../inventory/model.ts";
import { readSshKey } from "../../inventory/ssh-key.ts";
import type { Context } from "../op.ts";

const seconds = 10;
const mostOutput = 64 << 10;

/** The host keys that a machine shows on the network. Whoever sits in between may show others: nothing is verified yet. */
export async function scanHostKeys(
  context: Pick<Context, "processes">,
  address: string,
  port: number,
): Promise<SshKey[]> {
  const { code, stdout, stderr } = await context.processes.run({
    program: "ssh-keyscan",
    args: ["-T", String(seconds), "-p", String(port), "-t", "ed25519,rsa", "--", address],
    timeout: 3 * seconds * 1000,
    maxOutput: mostOutput,
  });
  const keys = Buffer.from(stdout)
    .toString("utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => readSshKey(line.slice(line.indexOf(" ") + 1)));
  if (keys.length > 0) return keys;
  const reason = stderr.split("\n").find((line) => line !== "" && !line.startsWith("#"));
  throw new NixsealError(
    "tool",
    `no host key from ${address} port ${port}${reason === undefined ? "" : `: ${reason}`}`,
    {
      hint: `${code === 0 ? "is its SSH server running? " : ""}--host-key KEY adds the host without the network`,
    },
  );
}

/**
 * Which of the shown keys are the machine's: those with a fingerprint that the operator brought, else what the
 * operator says after comparing. There is no way to take them unseen.
 */
export async function confirmHostKeys(
  context: Pick<Context, "person" | "emit">,
  name: string,
  shown: readonly SshKey[],
  fingerprints: readonly string[],
): Promise<readonly SshKey[]> {
  if (fingerprints.length > 0) return withFingerprints(name, shown, fingerprints);
  // One key is one recipient for every secret: the best kind is enough.
  const ed25519 = shown.filter((key) => key.type === "ssh-ed25519");
  const keys = ed25519.length > 0 ? ed25519 : shown;
  for (const key of keys)
    context.emit({ type: "step", message: `${name} shows ${key.fingerprint} (${key.type})` });
  context.emit({
    type: "step",
    message: "Compare it with what the machine itself says: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub",
  });
  if (await askWhetherSame(context)) return keys;
  throw new NixsealError("refused", `the host keys of ${name} were not confirmed`, {
    hint: "nothing was changed",
  });
}

function withFingerprints(name: string, shown: readonly SshKey[], fingerprints: readonly string[]): SshKey[] {
  const keys = shown.filter((key) => fingerprints.includes(key.fingerprint));
  const missing = fingerprints.find((wanted) => !keys.some((key) => key.fingerprint === wanted));
  if (missing === undefined) return keys;
  throw new NixsealError("refused", `${name} does not show the key ${missing}`, {
    hint: `it shows ${shown.map((key) => `${key.fingerprint} (${key.type})`).join(", ")}; somebody may be in between`,
  });
}

async function askWhetherSame(context: Pick<Context, "person">): Promise<boolean> {
  try {
    return await context.person.askYesNo("Is it the same?");
  } catch (error) {
    if (!(error instanceof NixsealError) || error.code !== "refused") throw error;
    throw new NixsealError(
      "refused",
      "host keys need somebody to confirm them, and there is no terminal to ask on",
      {
        hint: "bring what you know: --fingerprint SHA256:… or --host-key KEY",
        cause: error,
      },
    );
  }
}
