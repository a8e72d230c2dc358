import assert from "node:assert/strict";
import { test } from "node:test";
import { fleetOf, keyLine } from "../../test/support/fleets.ts";
import { reviewFleet } from "./review.ts";

const people = `[hosts.a]\nhost_keys = ["${keyLine("a")}"]\n[hosts.b]\nhost_keys = ["${keyLine("b")}"]\n[members.m]\nkeys = ["${keyLine("m")}"]\n`;

async function review(text: string): Promise<string[]> {
  return reviewFleet(await fleetOf(people + text)).map(({ id, path }) => `${id} ${path.join(".")}`);
}

test("a sound fleet gives no findings", async () => {
  assert.deepEqual(
    await review(`[secrets.s]\nhosts = ["*"]\n[secrets.t]\nhosts = ["a"]\nmode = "0444"\n`),
    [],
  );
});

test("secrets that collide on a host", async () => {
  const two = (first: string, second: string, hosts = '["a"]'): string =>
    `[secrets.s]\nhosts = ["a"]\n${first}\n[secrets.t]\nhosts = ${hosts}\n${second}\n`;
  const path = (text: string): string => `path = "${text}"`;
  assert.deepEqual(await review(two(path("/etc/x"), path("/etc/x"))), ["same-path secrets.t.path"]);
  assert.deepEqual(await review(two(path("/etc/x"), path("/etc/x"), '["b"]')), []);
  assert.deepEqual(await review(two(path("/etc/x"), path("/etc/x/y/z"))), ["same-path secrets.t.path"]);
  assert.deepEqual(await review(two(path("/etc/x/y/z"), path("/etc/x"))), ["same-path secrets.s.path"]);
  assert.deepEqual(await review(two(path("/etc/x"), path("/etc/xy"))), []);
  const credential = 'credential = { unit = "u.service", name = "c" }';
  assert.deepEqual(await review(two(credential, credential)), ["same-credential secrets.t.credential"]);
  assert.deepEqual(await review(two(credential, credential, '["b"]')), []);
});

test("hosts and readers that cannot decrypt", async () => {
  assert.deepEqual(await review("[hosts.c]\n"), ["no-recipient hosts.c"]);
  const [finding] = reviewFleet(await fleetOf("[hosts.c]\n[secrets.s]\nhosts = ['c']\n"));
  assert.equal(finding!.severity, "high");
  assert.deepEqual(await review('[hosts.c]\nrecipients = ["age1tpm1qqqqqqqqqq"]\n'), ["no-identity hosts.c"]);
  assert.deepEqual(await review('[members.n]\n[secrets.s]\nreaders = ["n"]\n'), [
    "no-recipient secrets.s.readers",
  ]);
  assert.deepEqual(await review("[secrets.s]\nreaders = []\n"), ["no-reader secrets.s"]);
});

test("one key with two owners", async () => {
  assert.deepEqual(await review(`[hosts.c]\nhost_keys = ["${keyLine("a")}"]\n`), ["shared-key hosts.c"]);
  assert.deepEqual(await review(`[members.n]\nkeys = ["${keyLine("b")}"]\n`), ["shared-key members.n"]);
});

test("one name in certificates for two hosts", async () => {
  const hosts = "[hosts.c]\naddress = 'x.example.org'\n[hosts.d]\naddress = 'X.example.org'\n";
  const shared = async (text: string): Promise<string[]> =>
    reviewFleet(await fleetOf(text)).flatMap(({ id, path }) =>
      id === "shared-principal" ? [path.join(".")] : [],
    );
  assert.deepEqual(await shared(hosts), []); // without a CA nobody asks for the name
  const ca = `[fleet]\nname = "x"\nhost_ca = ["${keyLine("ca")}"]\n`;
  assert.deepEqual(await shared(ca + hosts), ["hosts.d"]);
  assert.deepEqual(await shared(`${ca}${hosts}principal = "d.example.org"\n`), []);
});

test("modes for others, and owners that do not exist yet", async () => {
  const modes = { "0400": 0, "0440": 0, "0444": 0, "0555": 0, "0404": 1, "0644": 1, "0441": 1 };
  for (const [mode, count] of Object.entries(modes))
    assert.equal((await review(`[secrets.s]\nhosts = ["a"]\nmode = "${mode}"\n`)).length, count, mode);
  assert.deepEqual(await review('[secrets.s]\nhosts = ["a"]\nstage = "users"\nowner = "grafana"\n'), [
    "stage-owner secrets.s.owner",
  ]);
  assert.deepEqual(await review('[secrets.s]\nhosts = ["a"]\nstage = "users"\ngroup = "100"\n'), []);
});

test("thousands of secrets at one path on as many hosts are compared in one pass", async () => {
  const hosts = Array.from(
    { length: 2000 },
    (_, n) => `[hosts.h${n}]\nhost_keys = ["${keyLine(`h${n}`)}"]\n`,
  );
  const secrets = Array.from(
    { length: 2000 },
    (_, n) => `[secrets.s${n}]\nhosts = ["h${n}"]\npath = "/etc/wireguard"\n`,
  );
  assert.deepEqual(reviewFleet(await fleetOf([...hosts, ...secrets, people].join(""))), []);
});
