import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../../system/random.ts";
import { parseRecipient } from "../age/parse-recipient.ts";
import type { Stanza } from "../age/stanza.ts";
import { judge } from "./judge.ts";
import { recordOf } from "./record.ts";

const web = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFiG2wn25tjZrit7rzvu1cBDODl9/eAEjd1/F4TikPQ7";
const alice = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
const bob = "age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg";
const wanted = [
  { name: "host:web", recipient: web },
  { name: "member:alice", recipient: alice },
];

async function stanzasFor(...recipients: string[]): Promise<Stanza[]> {
  const wrapped = recipients.map((text) => parseRecipient(text, { random }).wrapFileKey(random.bytes(16)));
  return (await Promise.all(wrapped)).flat();
}

const created = "2026-01-01T00:00:00Z";
const file = new TextEncoder().encode("the ciphertext");
const recordFor = (list: typeof wanted) => recordOf(file, list, { epoch: 1, created });

test("up to date when stanzas and record fit; the record is the better evidence", async () => {
  const stanzas = await stanzasFor(web, alice);
  const record = recordFor(wanted);
  assert.deepEqual(judge(wanted, { stanzas, record, digest: record.digest }), {
    upToDate: true,
    missing: [],
    surplus: [],
    evidence: "record",
  });
  assert.equal(judge(wanted, { stanzas, record: null, digest: record.digest }).evidence, "stanzas");
  assert.equal(judge(wanted, { stanzas, record, digest: "0".repeat(64) }).evidence, "stanzas");
});

test("a missing host shows by its tag, a surplus SSH key too", async () => {
  const other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAII7kxNgDB1PPCl88x8+zXo0rUJk4BluaK9KrbgaXEUuM";
  const { upToDate, missing, surplus } = judge(wanted, {
    stanzas: await stanzasFor(other, alice),
    record: null,
    digest: "",
  });
  assert.equal(upToDate, false);
  assert.deepEqual(missing, ["host:web"]);
  assert.match(surplus.join(), /^1 unexpected recipient \(ssh-ed25519 [^)]{6}\)$/);
});

test("an exchanged X25519 recipient is invisible in the stanzas and found by the record", async () => {
  const record = recordFor([wanted[0]!, { name: "member:bob", recipient: bob }]);
  const verdict = judge(wanted, { stanzas: await stanzasFor(web, bob), record, digest: record.digest });
  assert.deepEqual(
    [verdict.upToDate, verdict.missing, verdict.surplus],
    [false, ["member:alice"], ["member:bob"]],
  );
});

test("a record that promises more than the stanzas hold is not believed", async () => {
  const record = recordFor(wanted);
  const verdict = judge(wanted, { stanzas: await stanzasFor(web), record, digest: record.digest });
  assert.deepEqual([verdict.upToDate, verdict.missing], [false, ["member:alice"]]);
});

test("one key of two people needs one stanza; grease is nobody", async () => {
  const both = [...wanted, { name: "member:alice-at-home", recipient: alice }];
  const grease: Stanza = { args: ["x-grease", "abc"], body: new Uint8Array() };
  const stanzas = [...(await stanzasFor(web, alice)), grease];
  assert.equal(judge(both, { stanzas, record: null, digest: "" }).upToDate, true);
});
