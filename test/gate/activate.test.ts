import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { utf8 } from "../../src/core/bytes.ts";
import {
  confirmationText,
  confirmNamespace,
  formatMessage,
  type GateMessage,
} from "../../src/gate/message.ts";
import { parseArmoredSshSig } from "../../src/ssh/sshsig.ts";
import { parseWarrantEnvelope } from "../../src/trust/warrant/envelope.ts";
import { gateConfigJson } from "../support/gate-config.ts";
import { GateHost } from "../support/gate-host.ts";
import { trustFleet, type TrustFleet } from "../support/trust-fleet.ts";

const agent = fileURLToPath(new URL("../../../bin/nixseal-agent", import.meta.url));

interface Answer {
  readonly kind: "event" | "result";
  readonly ok?: boolean;
  readonly code?: string;
  readonly outcome?: string;
  readonly step?: string;
  readonly data?: { readonly nonce: string; readonly warrant: string };
}

/** The agent as it stands on a host, with one message. Answers as they come. */
function send(host: GateHost, message: GateMessage | Uint8Array, ...options: string[]) {
  return sendWith({ ...process.env }, host, message, ...options);
}

function sendWith(
  env: NodeJS.ProcessEnv,
  host: GateHost,
  message: GateMessage | Uint8Array,
  ...options: string[]
) {
  const child = spawn(process.execPath, [agent, "activate", "--root", host.root, ...options], { env });
  const answers: Answer[] = [];
  let told = (): void => undefined;
  let rest = "";
  child.stdout.on("data", (piece: Buffer) => {
    const lines = `${rest}${piece.toString()}`.split("\n");
    rest = lines.pop()!;
    answers.push(...lines.map((line) => JSON.parse(line) as Answer));
    told();
  });
  let stderr = "";
  child.stderr.on("data", (piece: Buffer) => (stderr += piece.toString()));
  child.stdin.write(message instanceof Uint8Array ? message : formatMessage(message)); // and left open
  const ended = new Promise<{ code: number | null; last: Answer; stderr: string }>((resolve) => {
    child.once("close", (code) => resolve({ code, last: answers.at(-1)!, stderr }));
  });
  const answer = async (step: string): Promise<Answer> => {
    for (;;) {
      const found = answers.find((one) => one.step === step || one.kind === "result");
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => (told = resolve));
    }
  };
  return { child, ended, answer };
}

/** A fleet as `nixseal` makes it, and a host of it as `nixseal host setup` leaves one. */
async function fleetAndHost(t: TestContext, confirm: object | null = null) {
  const fleet = trustFleet(t);
  fleet.expect(0, "trust", "init");
  fleet.expect(0, "trust", "issue", "alice", "--rights", "activate", "--hosts", "web", "--for", "12h");
  const host = await GateHost.make(t);
  const config = { ...gateConfigJson, health: [], confirm };
  host.write("etc/nixseal/gate.json", JSON.stringify(config));
  fs.copyFileSync(fleet.file("trust/root.json"), host.paths.anchor);
  return { fleet, host };
}

function warrantFor(fleet: TrustFleet, ...words: string[]): { file: string; digest: string } {
  const { stdout, stderr } = fleet.run(["warrant", "create", "web", "--json", ...words]);
  assert.match(stdout, /^{"warrants"/, stderr);
  const { file } = (JSON.parse(stdout) as { warrants: { file: string }[] }).warrants[0]!;
  fleet.expect(0, "warrant", "sign", file, "--yes");
  const { digest } = parseWarrantEnvelope(fs.readFileSync(fleet.file(file)));
  return { file, digest };
}

function offerOf(fleet: TrustFleet, file: string): GateMessage {
  const warrant = parseWarrantEnvelope(fs.readFileSync(fleet.file(file)));
  return { kind: "offer", warrant, between: [], status: null };
}

const switchTo = (warrant: string): GateMessage => ({
  kind: "activate",
  warrant,
  action: "switch",
  rehash: false,
  fence: null,
  log: null,
});

suite("nixseal-agent activate", () => {
  test("does what members ordered, forth and back", async (t) => {
    const { fleet, host } = await fleetAndHost(t);
    const first = warrantFor(fleet, "--toplevel", host.new, "--store", host.root);
    const early = await send(host, switchTo(first.digest)).ended;
    assert.deepEqual([early.code, early.last.code], [4, "not-offered"]);
    assert.match(early.stderr, /not among those that were offered/);
    const offered = await send(host, offerOf(fleet, first.file)).ended;
    assert.equal(offered.code, 0, offered.stderr);
    const done = await send(host, switchTo(first.digest)).ended;
    assert.deepEqual([done.code, done.last.outcome], [0, "active"], done.stderr);
    assert.equal(host.state().boot, "new");
    const status = await send(host, { kind: "status" }).ended;
    assert.equal((status.last as { running?: string }).running, host.new);

    // Back: the former system as a new order.
    const old = warrantFor(fleet, "--toplevel", host.old, "--store", host.root);
    assert.equal((await send(host, offerOf(fleet, old.file)).ended).code, 0);
    assert.equal((await send(host, switchTo(old.digest)).ended).last.outcome, "active");
    assert.equal(host.state().boot, "old");
    const again = await send(host, offerOf(fleet, first.file)).ended;
    assert.deepEqual([again.code, again.last.code], [4, "replayed"]);
    // One step for the operator: the former order once more, signed.
    const words = ["warrant", "create", "web", "--rollback-to", first.file, "--sign", "--yes", "--json"];
    const made = JSON.parse(fleet.run(words).stdout) as { warrants: { file: string; digest: string }[] };
    const rolled = made.warrants[0]!;
    assert.equal((await send(host, offerOf(fleet, rolled.file)).ended).code, 0);
    assert.equal((await send(host, switchTo(rolled.digest)).ended).last.outcome, "active");
    assert.equal(host.state().boot, "new");
  });

  test("is confirmed by what stock ssh-keygen signs with a member's certificate", async (t) => {
    const { fleet, host } = await fleetAndHost(t, { within: 60 });
    const { file, digest } = warrantFor(fleet, "--toplevel", host.new, "--store", host.root);
    await send(host, offerOf(fleet, file)).ended;
    const activation = send(host, switchTo(digest));
    const question = await activation.answer("confirm");
    assert.equal(host.state().running, "new");
    assert.equal(host.state().boot, "old");
    const { nonce, warrant } = question.data!;
    const text = confirmationText({ fleet: "test", host: "web", nonce, warrant });
    const certificates = fs.readdirSync(fleet.file("trust/certificates"));
    const key = join(host.root, "alice");
    fs.copyFileSync(fleet.key("alice"), key);
    fs.chmodSync(key, 0o600);
    const certificate = certificates.find((name) => name.includes("alice"))!;
    fs.copyFileSync(fleet.file(`trust/certificates/${certificate}`), `${key}-cert.pub`);
    const args = ["-q", "-Y", "sign", "-n", confirmNamespace, "-f", `${key}-cert.pub`];
    const stock = spawnSync("ssh-keygen", args, { input: text, encoding: "utf8" });
    assert.equal(stock.status, 0, stock.stderr);
    const signature = parseArmoredSshSig(stock.stdout);
    const confirmed = await send(host, { kind: "confirm", nonce, signature, fence: null }).ended;
    assert.deepEqual([confirmed.code, confirmed.last.outcome], [0, "active"], confirmed.stderr);
    const { code, last } = await activation.ended;
    assert.deepEqual([code, last.outcome], [0, "active"]);
    assert.equal(host.state().boot, "new");
  });

  test("killed while it waits, what it began is undone by --recover", async (t) => {
    const { fleet, host } = await fleetAndHost(t, { within: 5 });
    const { file, digest } = warrantFor(fleet, "--toplevel", host.new, "--store", host.root);
    await send(host, offerOf(fleet, file)).ended;
    const activation = send(host, switchTo(digest));
    await activation.answer("confirm");
    activation.child.kill("SIGKILL");
    await activation.ended;
    const recovered = await send(host, new Uint8Array(), "--recover").ended;
    assert.equal(recovered.code, 0, recovered.stderr);
    assert.deepEqual(new Set(Object.values(host.state())), new Set(["old"]));
  });

  test("goes on when nobody listens any more", async (t) => {
    const { fleet, host } = await fleetAndHost(t);
    const { file, digest } = warrantFor(fleet, "--toplevel", host.new, "--store", host.root);
    await send(host, offerOf(fleet, file)).ended;
    const { child, ended, answer } = send(host, switchTo(digest));
    await answer("accepted");
    child.stdout.destroy();
    child.stderr.destroy();
    child.stdin.destroy();
    await ended;
    assert.deepEqual(new Set(Object.values(host.state())), new Set(["new"]));
  });

  test("is not held up by one who reads nothing", async (t) => {
    const { fleet, host } = await fleetAndHost(t);
    const { file, digest } = warrantFor(fleet, "--toplevel", host.new, "--store", host.root);
    await send(host, offerOf(fleet, file)).ended;
    host.behave("new", "test", "loud"); // more than any pipe holds
    const child = spawn(process.execPath, [agent, "activate", "--root", host.root]);
    child.stdin.write(formatMessage(switchTo(digest)));
    t.after(() => child.kill("SIGKILL"));
    child.stdout.pause();
    await new Promise((resolve) => child.once("exit", resolve));
    assert.deepEqual(new Set(Object.values(host.state())), new Set(["new"]));
  });

  test("through sudo, starts nothing that the sender put on PATH", async (t) => {
    const { fleet, host } = await fleetAndHost(t);
    const { file } = warrantFor(fleet, "--toplevel", host.new, "--store", host.root);
    fs.mkdirSync(join(host.root, "evil"));
    for (const tool of ["flock", "id", "nix-store", "systemd-run"])
      fs.writeFileSync(join(host.root, "evil", tool), `#!/bin/sh\ntouch ${host.root}/pwned\nexit 1\n`, {
        mode: 0o755,
      });
    const env = { PATH: `${host.root}/evil:/usr/bin:/bin`, SUDO_UID: "1000" };
    const { code, stderr } = await sendWith(env, host, offerOf(fleet, file)).ended;
    assert.equal(code, 0, stderr);
    assert.equal(fs.existsSync(join(host.root, "pwned")), false);
  });

  test("reads nothing from strangers, nor what is no message", async (t) => {
    const { host } = await fleetAndHost(t);
    const peer = await send(host, { kind: "status" }, "--peer", "7-4242-4294967294").ended;
    assert.deepEqual([peer.code, peer.last.code], [4, "peer"]);
    const root = await send(host, { kind: "status" }, "--peer", "7-4242-0").ended;
    assert.equal(root.code, 0, root.stderr);
    const junk = await send(host, utf8("hello\n")).ended;
    assert.deepEqual([junk.code, junk.last.code], [2, "malformed"]);
    const odd = await send(host, { kind: "status" }, "--peer", "deploy").ended;
    assert.deepEqual([odd.code, odd.last.code], [2, "usage"]);
    const console = await send(host, new Uint8Array(), "--console", host.new).ended;
    assert.deepEqual([console.code, console.last.code], [4, "refused"]);
    for (const [path, mode] of [
      ["etc/nixseal/gate.json", 0o666],
      ["etc/nixseal/root.json", 0o664],
      ["var/lib/nixseal/gate", 0o777],
    ] as const) {
      const before = fs.statSync(join(host.root, path)).mode;
      fs.chmodSync(join(host.root, path), mode);
      const loose = await send(host, { kind: "status" }).ended;
      assert.deepEqual([loose.code, loose.last.code], [4, "refused"], path);
      fs.chmodSync(join(host.root, path), before);
    }
  });
});
