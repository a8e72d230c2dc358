/** Desktop notifications: dunst on a private bus and a private display, busctl in between; nothing is faked. */
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { test, type TestContext } from "node:test";
import { formatNotices, type Notices } from "../src/watch/notices.ts";
import { top } from "./console.ts";
import { notice, noticesWith } from "./support/notices.ts";
import { temporaryDirectory } from "./support/temporary.ts";

interface Field {
  readonly data: string | number;
}
type Kept = Record<"summary" | "body" | "message" | "id" | "timeout", Field>;

/** A person's session: a bus, a display that nobody sees, dunst with Debian's configuration. */
class Session {
  readonly directory: string;
  readonly environment: Record<string, string>;
  #dunst: ChildProcess | undefined;

  private constructor(directory: string, environment: Record<string, string>) {
    this.directory = directory;
    this.environment = environment;
  }

  static async start(t: TestContext): Promise<Session> {
    const directory = temporaryDirectory(t);
    const runtime = join(directory, "run");
    mkdirSync(runtime, { mode: 0o700 });
    const plain = { PATH: process.env["PATH"]!, HOME: directory, XDG_RUNTIME_DIR: runtime, LANG: "C.UTF-8" };
    const bus = spawn("dbus-daemon", ["--session", "--nofork", "--nosyslog", "--print-address"], {
      env: plain,
      stdio: ["ignore", "pipe", "ignore"],
    });
    t.after(() => bus.kill());
    const [address] = (await once(bus.stdout, "data")) as [Buffer];
    const display = spawn("Xvfb", ["-displayfd", "3", "-nolisten", "tcp", "-screen", "0", "640x480x24"], {
      env: plain,
      stdio: ["ignore", "ignore", "ignore", "pipe"],
    });
    t.after(() => display.kill());
    const [number] = (await once(display.stdio[3]!, "data")) as [Buffer];
    const session = new Session(directory, {
      ...plain,
      DBUS_SESSION_BUS_ADDRESS: address.toString().trim(),
      DISPLAY: `:${number.toString().trim()}`,
    });
    t.after(() => session.stopDaemon());
    await session.startDaemon();
    return session;
  }

  async startDaemon(): Promise<void> {
    this.#dunst = spawn("dunst", [], { env: this.environment, stdio: "ignore" });
    for (let tries = 0; tries < 200; tries++) {
      const args = ["--user", "status", "org.freedesktop.Notifications"];
      if (spawnSync("busctl", args, { env: this.environment }).status === 0) return;
      await sleep(50);
    }
    throw new Error("dunst does not come up");
  }

  async stopDaemon(): Promise<void> {
    const dunst = this.#dunst;
    this.#dunst = undefined;
    if (dunst === undefined || dunst.exitCode !== null) return;
    dunst.kill();
    await once(dunst, "close");
  }

  notify(notices: Notices) {
    const file = join(this.directory, "notices.json");
    writeFileSync(file, formatNotices(notices));
    const args = [join(top, "bin/nixseal-agent"), "notify", "--file", file];
    return spawnSync(process.execPath, args, { env: this.environment, encoding: "utf8", timeout: 60_000 });
  }

  count(what: "displayed" | "history"): number {
    return Number(execFileSync("dunstctl", ["count", what], { env: this.environment, encoding: "utf8" }));
  }

  /** What dunst has shown, the newest first. */
  history(): Kept[] {
    execFileSync("dunstctl", ["close-all"], { env: this.environment });
    const text = execFileSync("dunstctl", ["history"], { env: this.environment, encoding: "utf8" });
    return (JSON.parse(text) as { data: [Kept[]] }).data[0];
  }
}

test("real dunst: shown once, replaced by what is new, closed when all is well", async (t) => {
  const session = await Session.start(t);
  const one = noticesWith([notice("CVE-1")]);
  assert.equal(session.notify(noticesWith([])).stdout, "nothing new\n");
  const first = session.notify(one);
  assert.equal(first.stdout, "shown\n", first.stderr);
  assert.equal(session.notify(one).stdout, "nothing new\n");
  assert.equal(session.count("displayed"), 1);
  const two = noticesWith([notice("CVE-1"), notice("CVE-2", { severity: "critical" })]);
  assert.equal(session.notify(two).stdout, "shown\n");
  assert.equal(session.count("displayed"), 1, "in place of the earlier one");
  assert.equal(session.notify(one).stdout, "nothing new\n", "what went away is no news");
  assert.equal(session.notify(two).stdout, "shown\n", "what came back is");
  const [shown] = session.history();
  assert.equal(shown!.summary.data, "2 known vulnerabilities on this machine");
  assert.match(String(shown!.body.data), /^critical: .*CVE-2.*\nhigh: .*CVE-1/);
  assert.equal(shown!.timeout.data, 0, "critical ones stay until they are closed");
  assert.equal(session.notify(noticesWith([])).stdout, "closed\n");
  assert.equal(session.notify(noticesWith([])).stdout, "nothing new\n");
});

test("real dunst: another daemon's numbers are not taken for ours", async (t) => {
  const session = await Session.start(t);
  session.notify(noticesWith([notice("CVE-1")]));
  await session.stopDaemon();
  await session.startDaemon();
  const args = ["--user", "--", "call", "org.freedesktop.Notifications", "/org/freedesktop/Notifications"];
  for (const letter of ["a", "b", "c"]) {
    const theirs = ["susssasa{sv}i", "mail", "0", "", letter, "", "0", "0", "0"];
    const sent = [...args, "org.freedesktop.Notifications", "Notify", ...theirs];
    assert.equal(spawnSync("busctl", sent, { env: session.environment }).status, 0);
  }
  assert.equal(session.notify(noticesWith([notice("CVE-1"), notice("CVE-2")])).stdout, "shown\n");
  assert.equal(session.count("displayed"), 4);
});

test("real dunst: hostile text is shown as text", async (t) => {
  const session = await Session.start(t);
  const message =
    '--help <b>bold</b> & <a href="http://evil">update</a> <img src="/etc/passwd"/> \u001b[2J\u202e\u0000 $(id)';
  const { status, stderr } = session.notify(noticesWith([notice("CVE-1", { message })]));
  assert.equal(status, 0, stderr);
  const [shown] = session.history();
  // What dunst hands to Pango: every angle bracket of ours is an entity.
  const markup = String(shown!.message.data).replace(/^<b>1 known vulnerability on this machine<\/b>/, "");
  assert.doesNotMatch(markup, /[<>]/);
  assert.match(markup, /&lt;b&gt;bold&lt;\/b&gt; &amp; &lt;a href/);
  assert.match(markup, /\\x1b\[2J\\u202e\\x00 \$\(id\)/);
});

test("without a daemon, a bus or a session it says so, and tells the next time", async (t) => {
  const session = await Session.start(t);
  const one = noticesWith([notice("CVE-1")]);
  await session.stopDaemon();
  const away = session.notify(one);
  assert.equal(away.status, 2);
  assert.match(away.stderr, /no notification daemon answers/);
  assert.equal(existsSync(join(session.directory, "run/nixseal-notify.json")), false);
  await session.startDaemon();
  assert.equal(session.notify(one).stdout, "shown\n");
  writeFileSync(join(session.directory, "run/nixseal-notify.json"), "damaged");
  assert.equal(session.notify(one).stdout, "shown\n", "twice is better than never again");
  assert.match(
    readFileSync(join(session.directory, "run/nixseal-notify.json"), "utf8"),
    /"keys":\["CVE-1 vim"\]/,
  );
});
