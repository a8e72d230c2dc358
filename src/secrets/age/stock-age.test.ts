/** Both directions with the program `age`, for every kind of recipient that it has. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AgeTools, random } from "../../../test/support/age-tools.ts";
import { collect, inPieces } from "../../../test/support/pieces.ts";
import { SecretValue } from "../../core/secret-value.ts";
import { decrypt, decryptBytes } from "./decrypt.ts";
import { encrypt, encryptBytes } from "./encrypt.ts";
import type { KeyIdentity } from "./identity.ts";
import { parseIdentityFile } from "./identity-file.ts";
import { parseRecipient } from "./parse-recipient.ts";
import { parseRecipientFile } from "./recipient-file.ts";
import { reencrypt } from "./reencrypt.ts";

const chunk = 64 << 10;
/** Around the borders of chunks, where the rules of the last one bite. */
const sizes = [0, 1, 15, 47, 48, chunk - 1, chunk, chunk + 1, 2 * chunk, 3 * chunk + 17];

const passphrase = async (): Promise<SecretValue> => SecretValue.fromText("hunter2");

interface Kind {
  readonly name: string;
  readonly make: (tools: AgeTools) => string;
}

const kinds: readonly Kind[] = [
  { name: "X25519", make: (tools) => tools.ageKey("key") },
  { name: "ssh-ed25519", make: (tools) => tools.sshKey("key") },
  { name: "ssh-rsa", make: (tools) => tools.sshKey("key", "rsa") },
];

for (const { name, make } of kinds) {
  for (const armor of [false, true]) {
    test(`${name}, ${armor ? "armored" : "binary"}: age reads what we write`, async (context) => {
      const tools = new AgeTools(context);
      const recipient = parseRecipient(make(tools), { random });
      for (const size of sizes) {
        const plaintext = random.bytes(size);
        const whole = await encryptBytes(plaintext, [recipient], random, { armor });
        const streamed = await collect(encrypt(inPieces(plaintext, 1000), [recipient], random, { armor }));
        for (const file of [whole, streamed])
          assert.deepEqual(tools.run("age", ["-d", "-i", "key"], file), Buffer.from(plaintext));
      }
    });

    test(`${name}, ${armor ? "armored" : "binary"}: we read what age writes`, async (context) => {
      const tools = new AgeTools(context);
      make(tools);
      const identities = parseIdentityFile(tools.read("key"), "key", {});
      for (const size of sizes) {
        const plaintext = random.bytes(size);
        const file = tools.run("age", ["-R", "key.pub", ...(armor ? ["-a"] : [])], plaintext);
        assert.deepEqual((await decryptBytes(file, identities)).reveal(), plaintext);
        assert.deepEqual(await collect(decrypt(inPieces(file, 1000), identities)), Buffer.from(plaintext));
      }
    });
  }
}

test("an RSA key of PEM and of PKCS #8 as well", async (context) => {
  const tools = new AgeTools(context);
  tools.sshKey("key", "rsa");
  const file = tools.run("age", ["-R", "key.pub"], "value");
  for (const format of ["PEM", "PKCS8"]) {
    tools.run("ssh-keygen", ["-q", "-p", "-N", "", "-m", format, "-f", "key"]);
    const identities = parseIdentityFile(tools.read("key"), "key", {});
    assert.equal(Buffer.from((await decryptBytes(file, identities)).reveal()).toString(), "value");
  }
});

test("a file for twenty: each of them reads it, with both programs", async (context) => {
  const tools = new AgeTools(context);
  const names = Array.from({ length: 20 }, (_, index) => `key${index}`);
  for (const [index, name] of names.entries())
    if (index % 2 === 0) tools.ageKey(name);
    else tools.sshKey(name);
  tools.write("all", names.map((name) => tools.text(`${name}.pub`)).join(""));
  const { recipients } = parseRecipientFile(tools.read("all"), "all", { random });
  const theirs = tools.run("age", ["-R", "all"], "value");
  const first = parseIdentityFile(tools.read("key0"), "key0", {});
  const ours = await reencrypt(theirs, first, recipients, random);
  for (const name of names) {
    const identities = parseIdentityFile(tools.read(name), name, {});
    for (const file of [theirs, ours]) {
      assert.equal(Buffer.from((await decryptBytes(file, identities)).reveal()).toString(), "value");
      assert.equal(tools.run("age", ["-d", "-i", name], file).toString(), "value");
    }
  }
});

test("each stanza has a share of its own, each file a key of its own", async (context) => {
  const tools = new AgeTools(context);
  const recipient = parseRecipient(tools.ageKey("key"), { random });
  const ssh = parseRecipient(tools.sshKey("ssh"), { random });
  const key = random.bytes(16);
  const shares = [recipient, recipient, ssh, ssh].flatMap((each) =>
    (each.wrapFileKey(key) as { args: string[] }[])[0]!.args.at(-1)!,
  );
  assert.equal(new Set(shares).size, 4);
});

test("what is for somebody else is refused", async (context) => {
  const tools = new AgeTools(context);
  tools.ageKey("mine");
  for (const [name, make] of kinds.map((kind) => [kind.name, kind.make] as const)) {
    const other = new AgeTools(context);
    const file = other.run("age", ["-r", make(other)], "value");
    const identities = parseIdentityFile(tools.read("mine"), "mine", {});
    await assert.rejects(decryptBytes(file, identities), { code: "refused" }, name);
  }
});

test("an SSH key behind a passphrase is asked for only when the file is for it", async (context) => {
  const tools = new AgeTools(context);
  tools.sshKey("locked", "ed25519", "hunter2");
  tools.sshKey("other");
  let asked = 0;
  const identities = parseIdentityFile(tools.read("locked"), "locked", {
    passphrase: (question) => {
      asked += 1;
      assert.match(question, /locked/);
      return passphrase();
    },
  });
  await assert.rejects(decryptBytes(tools.run("age", ["-R", "other.pub"], "value"), identities), {
    code: "refused",
  });
  assert.equal(asked, 0);
  const file = tools.run("age", ["-R", "locked.pub"], "value");
  for (let times = 0; times < 2; times++)
    assert.equal(Buffer.from((await decryptBytes(file, identities)).reveal()).toString(), "value");
  assert.equal(asked, 1);
  await assert.rejects(decryptBytes(file, parseIdentityFile(tools.read("locked"), "locked", {})), {
    code: "refused",
  });
});

test("identities say their recipients", async (context) => {
  const tools = new AgeTools(context);
  for (const { name, make } of kinds) {
    const own = new AgeTools(context);
    make(own);
    const recipients = await recipientsOf(parseIdentityFile(own.read("key"), name, {}));
    const file = await encryptBytes(Buffer.from("value"), recipients, random);
    assert.equal(own.run("age", ["-d", "-i", "key"], file).toString(), "value");
  }
  tools.sshKey("locked", "rsa", "hunter2");
  const locked = parseIdentityFile(tools.read("locked"), "locked", { passphrase });
  const file = await encryptBytes(Buffer.from("value"), await recipientsOf(locked), random);
  assert.equal(Buffer.from((await decryptBytes(file, locked)).reveal()).toString(), "value");
});

async function recipientsOf(identities: readonly KeyIdentity[]) {
  return (await Promise.all(identities.map(async (identity) => identity.recipients(random)))).flat();
}
