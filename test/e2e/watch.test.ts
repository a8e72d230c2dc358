/** Stopping what is vulnerable: real systemd, real Nix database and daemon, a signed feed, the unit's own restrictions. */
import assert from "node:assert/strict";
import { describe, test, type TestContext } from "node:test";
import type { Host } from "./host.ts";
import { until } from "./until.ts";
import {
  active,
  boot,
  configure,
  fixed,
  fixedSystem,
  foo,
  publish,
  running,
  stopped,
  vulnerableSystem,
  watchedSystem,
  web,
} from "./watched-system.ts";
import { watchUnit } from "./watch-units.ts";

const everything = [...running, ...stopped, "front.service"].sort();

async function start(t: TestContext, name: string, issued = new Date()): Promise<Host> {
  const host = await watchedSystem(name, await publish(issued));
  t.after(() => host.destroy());
  await boot(host, vulnerableSystem);
  return host;
}

const look = (host: Host) => host.attempt(["systemctl", "start", "--wait", watchUnit]);
const notices = (host: Host) => host.run(["nixseal-agent", "notices"], { codes: [0, 1, 5] });

describe("a host that stops what is vulnerable", () => {
  test("exactly the units that reach the path, until it is fixed, over a reboot", async (t) => {
    const host = await start(t, "web1");
    assert.deepEqual(await active(host), everything);

    await configure(host, "notify");
    const attended = await host.attempt(["nixseal-agent", "watch"]);
    assert.equal(attended.code, 1, attended.stderr);
    assert.deepEqual(await active(host), everything, "attended: nothing is stopped");
    const preview = await host.attempt(["nixseal-agent", "watch", "--preview"]);
    assert.equal(preview.code, 1, preview.stderr);
    assert.match(
      preview.stdout,
      new RegExp(`would stop web\\.service: it runs ${web}, which refers to ${foo} \\(CVE`),
    );
    assert.match(preview.stdout, /systemd stops along with it: front\.service/);
    assert.match(preview.stdout, /would leave kept-by-list\.service: .* list of what is never stopped/);
    assert.match(preview.stdout, /would leave needed\.service: .*with it kept-too\.service would stop/);
    assert.match(preview.stdout, /would stop late\.service: .*\n {2}and what starts it: late\.socket/);
    assert.match(preview.stdout, /nothing of this happens unless/);
    await configure(host, "stop");
    await host.run(["nixseal-agent", "watch", "--preview"], { codes: [1] });
    assert.deepEqual(await active(host), everything, "a preview changes nothing");
    assert.equal((await host.attempt(["test", "-e", "/var/lib/nixseal/held"])).code, 1);

    const first = await look(host);
    assert.equal(first.code, 0, `${first.stderr}${await host.journal(watchUnit)}`);
    assert.deepEqual(await active(host), running, "with front.service, which requires web.service");
    const journal = await host.journal(watchUnit);
    assert.match(journal, new RegExp(`stops wrapped\\.service: it runs ${web}, which refers to ${foo}`));
    assert.match(await notices(host), /stopped: web\.service runs /);
    assert.match(await notices(host), /runs on: needed\.service runs /);

    await look(host);
    const again = (await host.journal(watchUnit)).slice(journal.length);
    assert.doesNotMatch(again, /stops |starts /, "a second look is quiet");

    for (const unit of ["web.service", "late.socket", "odd\\x2dname@a.service"])
      await host.attempt(["systemctl", "start", unit]);
    assert.deepEqual(await active(host), running, "nobody starts it by accident");
    await host.reboot();
    await boot(host, vulnerableSystem);
    // What only needed it is not vulnerable, and starts without it (systemd.unit(5), Requires= and conditions).
    const booted = [...running, "front.service"].sort();
    assert.deepEqual(await active(host), booted, "nor does a boot");
    await look(host);
    assert.deepEqual(await active(host), booted);

    await host.run(["nixseal-agent", "watch", "--resume", "web.service"]);
    assert.ok((await active(host)).includes("web.service"));
    await look(host);
    assert.ok((await active(host)).includes("web.service"), "somebody decided so");
    assert.match(await notices(host), /runs on: web\.service .*somebody started it again/);

    for (const [unit, line] of [
      ["wrapped.service", ""],
      ["late.service", "StandardInput=socket"],
      ["argument.service", ""],
      ["odd\\x2dname@a.service", ""],
    ] as const)
      await host.copyIn(
        `/etc/systemd/system/${unit}`,
        `[Service]\nExecStart=${fixed}/bin/run infinity\n${line}\n`,
      );
    await host.run(["systemctl", "daemon-reload"]);
    await boot(host, fixedSystem);
    await look(host);
    assert.deepEqual(await active(host), everything);
    assert.equal(await host.run(["ls", "/var/lib/nixseal/held"]), "");
    assert.equal(await host.run(["ls", "/var/lib/nixseal/allowed"]), "");
    assert.match(await host.journal(watchUnit), /starts late\.service again/);
    assert.doesNotMatch(await notices(host), /stopped|runs on/);
  });

  test("on data that is out of date nothing is stopped, and nothing is started", async (t) => {
    const lifetime = 2 * 86_400_000;
    const seconds = 25_000;
    const host = await start(t, "web2", new Date(Date.now() - lifetime + seconds));
    await configure(host, "notify");
    assert.equal((await host.attempt(["nixseal-agent", "watch"])).code, 1);
    await until("the feed is out of date", 60_000, async () =>
      (await host.attempt(["nixseal-agent", "notices"])).code === 5 ? true : undefined,
    );
    await configure(host, "stop");
    const { code, stdout } = await host.attempt(["nixseal-agent", "watch"]);
    assert.equal(code, 5);
    assert.match(stdout, /STALE: the advisories are out of date since/);
    assert.deepEqual(await active(host), everything);
    await look(host);
    const result = ["systemctl", "show", "--value", "--property=Result,ExecMainStatus", watchUnit];
    assert.equal(await host.run(result), "exit-code\n5\n", "the unit shows it");
  });

  test("each look that writes notices wakes the person's own session", async (t) => {
    const host = await start(t, "web4");
    await configure(host, "notify");
    await host.run(["systemctl", "start", "user@0.service"]);
    const own = (...words: readonly string[]) =>
      host.attempt(["env", "XDG_RUNTIME_DIR=/run/user/0", "systemctl", "--user", ...words]);
    await until("root has a session", 60_000, async () =>
      (await own("start", "nixseal-notify.path")).code === 0 ? true : undefined,
    );
    const began = async (): Promise<number> =>
      Number(
        (await own("show", "--value", "--property=ExecMainStartTimestampMonotonic", "nixseal-notify.service"))
          .stdout,
      );
    let last = await began();
    for (let looks = 0; looks < 2; looks++) {
      await look(host);
      await until("the notices were told", 60_000, async () => ((await began()) > last ? true : undefined));
      last = await began();
    }
    assert.match(await host.journal(), /no notification daemon answers/, "this session has no desktop");
  });

  test("killed while it stops something: the next look ends what was begun", async (t) => {
    const host = await start(t, "web3");
    await host.copyIn(
      "/etc/systemd/system/web.service.d/slow.conf",
      "[Service]\nExecStop=sleep 600\nTimeoutStopSec=8\n",
    );
    await host.run(["systemctl", "daemon-reload"]);
    await configure(host, "stop");
    await host.run(["systemctl", "start", "--no-block", watchUnit]);
    await until("web.service is being stopped", 60_000, async () =>
      (await host.run(["systemctl", "show", "--value", "--property=ActiveState", "web.service"])).trim() ===
      "deactivating"
        ? true
        : undefined,
    );
    await host.run(["systemctl", "kill", "--signal=KILL", watchUnit]);
    await host.run(["nixseal-agent", "notices"], { codes: [2] });
    await host.run(["test", "-e", "/var/lib/nixseal/held/web.service"]);
    await until("the killed unit is down", 30_000, async () =>
      (await host.attempt(["systemctl", "is-active", watchUnit])).stdout.startsWith("fail")
        ? true
        : undefined,
    );
    assert.equal((await look(host)).code, 0);
    assert.deepEqual(await active(host), running);
    assert.match(await notices(host), /stopped: web\.service runs /);
  });
});
