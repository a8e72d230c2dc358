import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { after, begin } from "../../../test/support/advisory-publisher.ts";
import { World } from "../../../test/support/audit-rounds.ts";
import { exitCodes } from "../../core/exit.ts";
import { NixsealError } from "../../core/errors.ts";
import { roundKey } from "./round-key.ts";
import type { Round } from "./round-view.ts";

const open = "{ networking.firewall.enable = false; }\n";
const shut = "{ networking.firewall.enable = true; }\n";

const states = ({ targets }: Round): string[] => targets.map(({ name, state }) => `${name} ${state}`);

test("what is new is told once; what has not changed is not audited again; what is gone is told", async (context) => {
  const world = new World(context, after(0));
  world.commit("one", { "x.nix": open });
  world.commit("two", { "x.nix": shut });
  const address = (name: string): string => `file://${world.path(name)}`;
  world.targets(`address = "https://example.org/audits"
[[target]]
name = "one"
target = "${address("one")}"
[[target]]
name = "two"
target = "${address("two")}"
fail_on = "critical"
`);
  const first = await world.round();
  assert.deepEqual(states(first.round), ["one audited", "two audited"]);
  assert.equal(first.exit, exitCodes.findings);
  assert.deepEqual(
    world.feed().map(({ title }) => title),
    ["one: first audit: 1 new", "two: first audit: nothing found"],
  );
  assert.equal(world.feed()[0]!.url, "https://example.org/audits/one.html");

  const written = statSync(world.path("out/one.json")).mtimeMs;
  const second = await world.at(after(0.1)).round();
  assert.deepEqual(states(second.round), ["one unchanged", "two unchanged"]);
  assert.equal(second.exit, exitCodes.findings, "the exit code is that of what is known");
  assert.equal(statSync(world.path("out/one.json")).mtimeMs, written);
  assert.equal(world.feed().length, 2);

  world.commit("one", { "x.nix": shut });
  world.commit("two", { "y.nix": open });
  const third = await world.at(after(0.2)).round();
  assert.deepEqual(
    third.round.targets.map((target) => [target.new, target.gone, target.failing]),
    [
      [0, 1, 0],
      [1, 0, 0],
    ],
  );
  assert.equal(third.exit, exitCodes.done);
  const [newest, next] = world.feed();
  assert.equal(newest!.title, "one: 1 gone");
  assert.equal(next!.title, "two: 1 new");
  assert.match(next!.content_text, /high HST001 y\.nix:1: the firewall is off/);
  assert.equal(new Set(world.feed().map(({ id }) => id)).size, 4);
  const page = readFileSync(world.path("out/index.html"), "utf8");
  assert.ok(page.indexOf("two.html") < page.indexOf("one.html"), "the worst comes first");
});

test("a target that fails stops no other, keeps what was known, and is told once; so is that it works again", async (context) => {
  const world = new World(context, after(0));
  world.commit("one", { "x.nix": open });
  world.commit("two", { "x.nix": shut });
  world.targets(
    ["one", "two", "nowhere"]
      .map((name) => `[[target]]\nname = "${name}"\ntarget = "file://${world.path(name)}"\n`)
      .join(""),
  );
  const first = await world.round();
  assert.deepEqual(states(first.round), ["one audited", "two audited", "nowhere failed"]);
  assert.equal(first.exit, exitCodes.partial);
  assert.equal(world.feed()[2]!.title, "nowhere: could not be audited");
  assert.ok(!existsSync(world.path("out/nowhere.html")));
  spawnSync("mv", [world.path("one"), world.path("aside")]);
  const second = await world.at(after(0.1)).round();
  assert.deepEqual(states(second.round), ["one failed", "two unchanged", "nowhere failed"]);
  assert.equal(second.round.targets[0]!.failing, 1);
  assert.ok(existsSync(world.path("out/one.html")), "the last report stays");
  assert.equal(world.feed().length, 4);
  await world.at(after(0.2)).round();
  assert.equal(world.feed().length, 4, "the same failure is no news");
  spawnSync("mv", [world.path("aside"), world.path("one")]);
  const last = await world.at(after(0.3)).round();
  assert.equal(states(last.round)[0], "one audited");
  assert.equal(world.feed()[0]!.title, "one: could be audited again");
});

test("made anew: when results are old, when a waiver ends, when the question or the advisories are others", async (context) => {
  const { feed, client } = await begin(context);
  const world = new World(context, after(0), { NIXSEAL_ADVISORIES: client.directory });
  world.commit("one", { "x.nix": open });
  const file = (more = ""): string =>
    `[[target]]\nname = "one"\ntarget = "file://${world.path("one")}"\n${more}`;
  world.targets(file());
  const state = async (at: Date): Promise<string> => states((await world.at(at).round()).round)[0]!;
  assert.equal(await state(after(0)), "one audited");
  assert.equal(await state(after(0.1)), "one unchanged");
  world.targets(file('only = ["config"]\n'));
  assert.equal(await state(after(0.2)), "one audited");
  world.targets(file());
  assert.equal(await state(after(0.3)), "one audited");
  await feed.publish(after(0.4), "second");
  await client.update(feed, after(0.4));
  assert.equal(await state(after(0.5)), "one audited");
  assert.equal(await state(after(0.6)), "one unchanged");
  const aged = await world.at(after(1.6)).round({ maxAge: "1d" });
  assert.deepEqual(states(aged.round), ["one unchanged"], "it was given seven days when it was made");
  assert.equal(await state(after(9)), "one audited");
  // A waiver that ends changes the answer although no file does.
  const report = JSON.parse(readFileSync(world.path("out/one.json"), "utf8")) as {
    findings: { fingerprint: string }[];
  };
  const until = after(10).toISOString().slice(0, 10);
  world.commit("one", {
    "audit-waivers.toml": `[[waiver]]\nfinding = "${report.findings[0]!.fingerprint}"\ncheck = "HST001"\nfile = "x.nix"\nowner = "alice"\nuntil = "${until}"\nbecause = "lab"\n`,
  });
  assert.equal(await state(after(9.1)), "one audited");
  assert.equal(await state(after(9.2)), "one unchanged");
  assert.equal(await state(after(11.1)), "one audited");
});

test("a store path is another question when its waivers change", async (context) => {
  const world = new World(context, after(0));
  const target = {
    name: "x",
    target: `/nix/store/${"0".repeat(32)}-x-1.0`,
    only: null,
    failOn: "low",
  } as const;
  const key = (): Promise<string> =>
    roundKey(world.context, { ...target, toplevel: [], cache: null }, undefined);
  const first = await key();
  assert.match(first, /^[0-9a-f]{64}$/);
  assert.equal(await key(), first);
  writeFileSync(world.path("audit-waivers.toml"), "# taken back\n");
  assert.notEqual(await key(), first);
});

test("advisories that go out of date: exit 5, before everything else", async (context) => {
  const { client } = await begin(context);
  const world = new World(context, after(0), { NIXSEAL_ADVISORIES: client.directory });
  writeFileSync(world.path("closure"), `/nix/store/${"0".repeat(32)}-foo-1.0\n`);
  world.targets(
    '[[target]]\nname = "host"\ntarget = "closure"\n[[target]]\nname = "gone"\ntarget = "nowhere"\n',
  );
  assert.equal((await world.round()).exit, exitCodes.partial);
  assert.equal((await world.at(after(300)).round()).exit, exitCodes.stale);
  assert.match(world.feed()[0]!.title, /host: the advisories are out of date/);
  assert.match(readFileSync(world.path("out/index.html"), "utf8"), /class="stale"/);
});

test("a target that is not in the file any more leaves no report; two rounds at once do not mix", async (context) => {
  const world = new World(context, after(0));
  const target = (name: string): string => `[[target]]\nname = "${name}"\ntarget = "${name}"\n`;
  for (const name of ["one", "two"]) {
    mkdirSync(world.path(name));
    writeFileSync(world.path(`${name}/x.nix`), open);
  }
  world.targets(target("one") + target("two"));
  await Promise.all([world.round(), world.round()]);
  assert.equal(world.feed().length, 2);
  world.targets(target("two"));
  await world.at(after(1)).round();
  const left = readdirSync(world.path("out")).filter((name) => !name.startsWith("."));
  assert.deepEqual(left.sort(), ["feed.json", "index.html", "state.json", "two.html", "two.json"]);
  writeFileSync(world.path("out/state.json"), "{}\n");
  await assert.rejects(
    world.round(),
    (error: NixsealError) => error.code === "malformed" && /begin anew/.test(error.hint!),
  );
});

test("a file that is wrong audits nothing", async (context) => {
  const world = new World(context, after(0));
  for (const text of [
    "",
    "[[target]]\n",
    '[[target]]\nname = "a"\n',
    '[[target]]\nname = "../a"\ntarget = "."\n',
    '[[target]]\nname = "state"\ntarget = "."\n',
    '[[target]]\nname = "a"\ntarget = "."\n[[target]]\nname = "A"\ntarget = "."\n',
    '[[target]]\nname = "a"\ntarget = "."\nonly = ["secret"]\n',
    '[[target]]\nname = "a"\ntarget = "."\nfail_on = "bad"\n',
    '[[target]]\nname = "a"\ntarget = "."\nfailon = "high"\n',
    'address = "javascript:alert(1)"\n[[target]]\nname = "a"\ntarget = "."\n',
    '[[target]]\nname = "a"\ntarget = "a\\u0000b"\n',
    "target = 1",
    "[[target",
  ]) {
    world.targets(text);
    await assert.rejects(world.round(), { code: "config" }, text);
    assert.ok(!existsSync(world.path("out")), text);
  }
  await assert.rejects(world.round({ target: "x" }), { code: "usage" });
  await assert.rejects(world.round({ into: undefined }), { code: "usage" });
});

test("what a repository holds becomes no markup of the page or the feed", async (context) => {
  const world = new World(context, after(0));
  const evil = "<img src=x onerror=alert(1)>";
  mkdirSync(world.path(evil));
  writeFileSync(world.path(`${evil}/${evil.replace("/", "")}.nix`), open);
  world.targets(`[[target]]\nname = "evil"\ntarget = ${JSON.stringify(evil)}\n`);
  await world.round();
  const page = readFileSync(world.path("out/index.html"), "utf8");
  assert.ok(!page.includes("<img") && page.includes("&#60;img"));
  assert.doesNotMatch(JSON.stringify(world.feed()), /content_html/);
});
