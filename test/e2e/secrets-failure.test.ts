import assert from "node:assert/strict";
import { test } from "node:test";
import { secretsDirectory } from "./generations.ts";
import { SecretsHost } from "./secrets-host.ts";

/** An armored age file of which the last byte of the payload is another one; the header is whole. */
function lastByteChanged(armored: string): string {
  const [begin, ...lines] = armored.trim().split("\n");
  const end = lines.pop();
  const bytes = Buffer.from(lines.join(""), "base64");
  bytes[bytes.length - 1]! ^= 1;
  return [begin, ...bytes.toString("base64").match(/.{1,64}/g)!, end, ""].join("\n");
}

test("secrets that are damaged fail alone and keep their last good value", async (t) => {
  const on = await SecretsHost.start(t, "damaged");
  const { host } = on;
  const good = { a: { value: "a-one" }, altered: { value: "b-one" }, swapped: { value: "c-one" } };
  await on.switchTo(await on.generation(good));

  const bad = await on.generation({
    a: { value: "a-two" },
    altered: { value: "b-two", damage: lastByteChanged },
    fresh: { value: "d-two" },
    swapped: { value: "c-two" },
  });
  // A whole age file for this host, but not the one that the manifest means.
  await host.run(["cp", `${bad}/secrets/fresh.age`, `${bad}/secrets/swapped.age`]);
  await on.switchTo(bad);
  assert.equal(await on.read("a"), "a-two");
  assert.equal(await on.read("fresh"), "d-two");
  assert.equal(await on.read("altered"), "b-one", "the last good value");
  assert.equal(await on.read("swapped"), "c-one", "the last good value");

  const failed = ["nixseal-secret@altered.service", "nixseal-secret@swapped.service"];
  assert.deepEqual(await on.failedUnits(), failed);
  for (const unit of failed) assert.match(await host.journal(unit), /last good value/);
  assert.doesNotMatch(await host.journal(), /[abcd]-(one|two)/, "a value in the journal");

  await host.reboot();
  assert.equal(await on.read("a"), "a-two");
  assert.equal(await on.read("fresh"), "d-two");
  const nowhere = await host.attempt(["cat", `${secretsDirectory}/altered`, `${secretsDirectory}/swapped`]);
  assert.equal(nowhere.stdout, "", "no value of this boot was ever good");
  assert.deepEqual(await on.failedUnits(), failed);
  await on.switchTo(await on.generation(good));
  assert.equal(await on.read("altered"), "b-one");
  assert.deepEqual(await on.failedUnits(), []);
});
