/** Receipts of hosts that pull, on their way back to the operator (see test/support/deploy-lab.ts). */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { DeployLab } from "../support/deploy-lab.ts";
import { configurePull, publish, pullingGate, runAgent } from "../support/pulling-host.ts";

interface Taken {
  readonly receipts: readonly {
    readonly host: string;
    readonly seq: number;
    readonly outcome: string;
    readonly isNew: boolean;
  }[];
  readonly refused: readonly { readonly file: string; readonly code: string }[];
}

test("a directory takes receipts, and the operator takes in what hosts have signed", async (t) => {
  const lab = await DeployLab.make(t, ["web"], { gate: pullingGate });
  const web = lab.host("web");
  const delivery = join(web.root, "media/stick");
  configurePull(lab, "web", { kind: "directory", path: "/media/stick", removable: true });
  await publish(lab, "web", "one", delivery);
  // Somebody's stick leads elsewhere: the order counts, and nothing is written there.
  const elsewhere = join(lab.directory, "elsewhere");
  fs.mkdirSync(elsewhere);
  fs.symlinkSync(elsewhere, join(delivery, "receipts"));
  const led = await runAgent(lab, "web", "pull", "--json");
  assert.equal(led.code, 0, led.stderr);
  assert.match(led.stdout, /"activated".*receipts is no directory/);
  assert.deepEqual(fs.readdirSync(elsewhere), []);
  fs.unlinkSync(join(delivery, "receipts"));

  const quiet = await runAgent(lab, "web", "pull");
  assert.match(quiet.stdout, /^nothing-new: [^\n]*\n$/);
  const place = join(delivery, "receipts/web");
  const [name, ...more] = fs.readdirSync(place);
  assert.deepEqual(more, []);
  const take = async (...words: string[]): Promise<{ code: number | null } & Taken> => {
    const { code, stdout } = await lab.run("deploy", "receipts", ...words, "--json");
    return { code, ...(JSON.parse(stdout) as Taken) };
  };
  const first = await take(delivery);
  assert.equal(first.code, 0);
  assert.deepEqual(
    first.receipts.map(({ host, seq, outcome, isNew }) => [host, seq, outcome, isNew]),
    [["web", 1, "active", true]],
  );
  assert.equal(fs.readdirSync(join(lab.fleet, "receipts/web")).length, 1);
  assert.match(await lab.must("log", "verify"), /sound: 2 entries, 1 of 1 witnesses agree/);

  // What others put there is named, and holds up nothing.
  const { payload, signatures } = JSON.parse(fs.readFileSync(join(place, name!), "utf8")) as {
    payload: string;
    signatures: string[];
  };
  const forged = Buffer.from(payload, "base64").toString().replace('"active"', '"broken"');
  const forgery = { payload: Buffer.from(forged).toString("base64"), signatures };
  fs.writeFileSync(join(place, "0-forged.json"), `${JSON.stringify(forgery)}\n`);
  fs.writeFileSync(join(place, "1-junk.json"), "{");
  fs.writeFileSync(join(place, "2-huge.json"), Buffer.alloc(1 << 20, 0x20));
  fs.writeFileSync(join(place, "\u001b[2J.json"), "{}");
  await publish(lab, "web", "two", delivery);
  assert.equal((await runAgent(lab, "web", "pull")).code, 0);
  const second = await take(delivery);
  assert.equal(second.code, 3);
  assert.deepEqual(
    second.refused.map(({ file, code }) => [file.slice(place.length + 1), code]),
    [
      ["0-forged.json", "refused"],
      ["1-junk.json", "malformed"],
      ["2-huge.json", "limit"],
    ],
  );
  assert.deepEqual(
    second.receipts.map(({ seq, isNew }) => [seq, isNew]),
    [
      [1, false],
      [2, true],
    ],
  );
  assert.deepEqual((await take(join(place, name!))).receipts.length, 1);
  assert.match(await lab.must("log", "verify"), /sound: 4 entries/);
});

test("an address for receipts: what it does not take is no fault of the pull, and goes there with the next run", async (t) => {
  const lab = await DeployLab.make(t, ["buoy"], { gate: pullingGate });
  const buoy = lab.host("buoy");
  await publish(lab, "buoy", "one", join(buoy.root, "srv"));
  const got: string[] = [];
  let answer: (response: ServerResponse) => void = (response) => response.writeHead(503).end();
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (bytes: Buffer) => (body += bytes.toString()));
    request.on("end", () => {
      got.push(`${request.method} ${request.url} ${body.startsWith('{"payload":"')}`);
      answer(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const report = `http://127.0.0.1:${(server.address() as AddressInfo).port}/in/`;
  configurePull(lab, "buoy", { kind: "directory", path: "/srv", removable: false }, { report });
  const lines = async (): Promise<string> => {
    const { code, stdout, stderr } = await runAgent(lab, "buoy", "pull");
    assert.equal(code, 0, stderr);
    return stdout;
  };
  assert.match(await lines(), /^activated: .*\nreceipts: not handed in: .*answer 503\n$/);
  answer = (response) => response.writeHead(302, { location: "http://127.0.0.1:1/" }).end();
  assert.match(await lines(), /^nothing-new: .*\nreceipts: .*answer 302\n$/);
  answer = (response) => {
    response.writeHead(200);
    const more = (): void => void (response.destroyed || response.write("x".repeat(4096), more));
    more();
  };
  assert.match(await lines(), /receipts: .*more than/);
  answer = (response) => response.writeHead(201).end();
  assert.match(await lines(), /^nothing-new: .*\n$/);
  const sent = got.length;
  assert.match(await lines(), /^nothing-new: .*\n$/);
  assert.equal(got.length, sent, "once it is there, nothing is sent");
  assert.equal(sent, 4);
  for (const line of got)
    assert.match(line, /^PUT \/in\/buoy\/[0-9]{8}T[0-9]{6}Z-1-[0-9a-f]{16}\.json true$/);
  assert.ok(!fs.existsSync(join(buoy.root, "srv/receipts")), "an address in place of the directory");
});
