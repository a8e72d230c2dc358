import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { InstallHost, isRoot } from "../../../test/support/install-host.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import { files } from "../../system/files.ts";

const agent = fileURLToPath(new URL("../../../../bin/nixseal-agent", import.meta.url));

/** Lets `calls` calls through, then every further one fails, as on a disk that is full or gone. */
function failingAfter(calls: number): { readonly port: Files; readonly made: () => number } {
  let made = 0;
  const port = new Proxy(files, {
    get: (target, name: keyof Files) => {
      const work = target[name] as (...values: unknown[]) => unknown;
      if (name === "stream") return work;
      return async (...values: unknown[]) => {
        if (made++ >= calls) throw new NixsealError("io", "no space left on the device");
        return work(...values);
      };
    },
  });
  return { port, made: () => made };
}

const before = { a: { value: "a1" }, b: { value: "b1" }, gone: { value: "g1", path: "/etc/gone" } };
const after = {
  a: { value: "a2", restart: ["a.service"] },
  b: { value: "b1" },
  fresh: { value: "f2", path: "/etc/fresh" },
};

function readAll(host: InstallHost): string {
  const directory = host.at("/run/nixseal/secrets");
  return readdirSync(directory)
    .filter((name) => !name.startsWith("."))
    .sort()
    .map((name) => `${name}=${readFileSync(join(directory, name), "utf8")}`)
    .join(" ");
}

test("whichever file operation fails, the old or the new generation is there whole, and the next run finishes", async (t) => {
  const probe = new InstallHost(t);
  probe.declare(before);
  await probe.install();
  probe.declare(after);
  probe.environment = { NIXOS_ACTION: "switch" };
  const counted = failingAfter(Number.POSITIVE_INFINITY);
  await probe.install({}, counted.port);
  assert.ok(counted.made() > 40);

  let old = 0;
  for (let calls = 0; calls < counted.made(); calls++) {
    const host = new InstallHost(t);
    host.declare(before);
    await host.install();
    host.environment = { NIXOS_ACTION: "switch" };
    host.declare(after);
    const told = await host.install({}, failingAfter(calls).port).then(
      (report) => report.failures.length + report.problems.length + report.warnings.length > 1,
      (error: unknown) => error instanceof NixsealError && error.code === "io",
    );
    assert.ok(told, `call ${calls} failed and nobody was told`);
    const found = readAll(host);
    assert.ok(["a=a1 b=b1 gone=g1", "a=a2 b=b1 fresh=f2"].includes(found), `call ${calls}: ${found}`);
    const wasOld = found.startsWith("a=a1");
    if (wasOld) old++;
    const report = await host.install();
    assert.equal(readAll(host), "a=a2 b=b1 fresh=f2", `call ${calls}`);
    assert.ok(readdirSync(host.at("/run/nixseal/generations")).length <= 2);
    assert.equal(existsSync(host.at("/run/nixseal/.secrets.new")), false);
    assert.deepEqual(
      readdirSync(host.at("/etc")).sort(),
      ["fresh", "group", "passwd", "ssh"],
      `call ${calls}`,
    );
    // However the first run ended, one of the two told who restarts units.
    assert.match(
      readFileSync(host.at("/run/nixos/activation-restart-list"), "utf8"),
      /^a\.service$/m,
      `call ${calls}`,
    );
    if (wasOld) assert.deepEqual(report.restart, ["a.service"], `call ${calls}`);
  }
  assert.ok(old > 10 && old < counted.made() - 5, "both sides of the flip were met");
});

function sealedHost(host: InstallHost, key: string, value: string): void {
  // Real age files: the process that is killed is the real program.
  host.declare({ a: { value }, b: { value: `b${value}` }, c: { value: "same" } });
  const directory = join(host.manifest, "../secrets");
  const manifest = readFileSync(host.manifest, "utf8");
  let text = manifest;
  for (const name of ["a", "b", "c"]) {
    const path = join(directory, `${name}.age`);
    const plain = readFileSync(path, "utf8").slice("sealed:".length);
    const sealed = spawnSync("age", ["-R", `${key}.pub`, "-o", `${path}.new`], { input: plain });
    assert.equal(sealed.status, 0, sealed.stderr.toString());
    const rename = spawnSync("mv", [`${path}.new`, path]);
    assert.equal(rename.status, 0);
    const sum = spawnSync("sha256sum", [path], { encoding: "utf8" }).stdout.slice(0, 64);
    text = text.replace(new RegExp(`"digest":"[0-9a-f]{64}"(?=[^{}]*"name":"${name}")`), `"digest":"${sum}"`);
  }
  spawnSync("tee", [host.manifest], { input: text });
}

function realHost(host: InstallHost): string {
  const key = host.at("/etc/ssh/ssh_host_ed25519_key");
  spawnSync("rm", ["-f", key]);
  const made = spawnSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
  assert.equal(made.status, 0);
  return key;
}

const words = (host: InstallHost): string[] => [
  agent,
  "secrets",
  "install",
  "--manifest",
  host.manifest,
  "--root",
  host.root,
];

test("kill -9 at any moment leaves a whole generation, and the next run cleans up", async (t) => {
  const host = new InstallHost(t);
  const key = realHost(host);
  sealedHost(host, key, "0");
  assert.equal(spawnSync(process.execPath, words(host)).status, 0);
  const began = process.hrtime.bigint();
  assert.equal(spawnSync(process.execPath, words(host)).status, 0);
  const whole = Number(process.hrtime.bigint() - began) / 1e6;
  for (let round = 1; round <= 12; round++) {
    sealedHost(host, key, String(round));
    const child = spawn(process.execPath, words(host), { stdio: "ignore" });
    const ended = new Promise((resolve) => child.once("close", resolve));
    // Spread over the second half of a run: the first is Node's start.
    setTimeout(() => child.kill("SIGKILL"), whole * (0.4 + round / 20));
    await ended;
    const [a, b] = [host.read("a"), host.read("b")];
    assert.equal(b, `b${a}`, "one generation, not a mixture");
    assert.equal(host.read("c"), "same");
    assert.equal(spawnSync(process.execPath, words(host)).status, 0);
    assert.equal(host.read("a"), String(round));
    assert.ok(readdirSync(host.at("/run/nixseal/generations")).length <= 2);
  }
});

test("runs at the same time wait for each other", async (t) => {
  const host = new InstallHost(t);
  const key = realHost(host);
  sealedHost(host, key, "1");
  const runs = Array.from({ length: 4 }, () => {
    const child = spawn(process.execPath, words(host), { stdio: "ignore" });
    return new Promise<number | null>((resolve) => child.once("close", resolve));
  });
  assert.deepEqual(await Promise.all(runs), [0, 0, 0, 0]);
  assert.deepEqual(readdirSync(host.at("/run/nixseal/generations")), ["1"]);
});

test(`a memory file system that is full keeps the old generation${isRoot ? "" : " (not root: nothing can be mounted)"}`, async (t) => {
  const host = new InstallHost(t);
  host.declare({ a: { value: "small" } });
  await host.install();
  const directory = host.at("/run/nixseal/generations");
  const mounted =
    isRoot && spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k,mode=0751", "test", directory]).status === 0;
  if (!mounted) return; // containers may not mount; the fault injection above covers ENOSPC then
  try {
    spawnSync("rm", ["-f", host.at("/run/nixseal/secrets")]);
    await host.install();
    host.declare({ a: { value: "x".repeat(1 << 20) } });
    await assert.rejects(host.install(), { code: "io", message: /no space left/ });
    assert.equal(host.read("a"), "small");
    assert.equal(readdirSync(directory).length, 1);
  } finally {
    spawnSync("umount", [directory]);
  }
});
