import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { fixedKey } from "../../test/support/ssh-artifacts.ts";
import { rootOf, signedRoot, keys } from "../../test/support/roots.ts";
import { alice, bob, later, noon, pathOf, signed, warrant } from "../../test/support/warrants.ts";
import { utf8 } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import { privateKeySigner, signMessage } from "../ssh/signer.ts";
import {
  confirmationText,
  confirmNamespace,
  formatMessage,
  parseMessage,
  type GateMessage,
} from "./message.ts";
import { messageLimits } from "./message-limits.ts";
import { encodeOrder, orderDigest, parseOrder, secretsNamespace } from "./secrets/order.ts";

const store = "/nix/store";
const digest = "ab".repeat(32);
const activate = {
  kind: "activate",
  warrant: digest,
  action: "switch",
  rehash: false,
  fence: 7,
  log: null,
} as const;

async function everyKind(): Promise<GateMessage[]> {
  const envelope = await signed(warrant(), alice, bob);
  const about = { fleet: "test", host: "web", warrant: digest, nonce: digest };
  const signature = await signMessage(
    confirmationText(about),
    confirmNamespace,
    privateKeySigner(fixedKey(1)),
  );
  const payload = encodeOrder({
    v: 1,
    fleet: "test",
    host: "web",
    seq: 1,
    notBefore: noon,
    expires: later(1),
    values: [{ name: "one", digest, replaces: [] }],
  });
  const signatures = [await signMessage(payload, secretsNamespace, alice)];
  const order = { payload, order: parseOrder(payload), digest: orderDigest(payload), signatures };
  const status = { roots: [await signedRoot(rootOf(), [keys[0]!])], krl: null, heads: new Map() };
  return [
    { kind: "offer", warrant: envelope, between: [], status: null },
    { kind: "offer", warrant: envelope, between: [envelope.payload], status },
    { kind: "import", bytes: null, path: pathOf("openssl"), uploader: null },
    { kind: "witness", path: pathOf("openssl"), uploader: null },
    {
      kind: "witness",
      path: pathOf("openssl"),
      uploader: { member: "alice", key: `SHA256:${"a".repeat(43)}` },
    },
    activate,
    { ...activate, fence: null, log: { seq: 7, digest } },
    { kind: "confirm", nonce: digest, signature, fence: null },
    { kind: "revert", fence: 0 },
    { kind: "reboot", warrant: digest, boot: "1-2-3", uptime: 60, signature, fence: 7 },
    { kind: "secrets", order, ciphertexts: [utf8("age-encryption.org/v1\n")], status: null },
    { kind: "secrets", order, ciphertexts: [new Uint8Array(300)], status },
    { kind: "status" },
  ];
}

suite("a message", () => {
  test("of every kind comes back as it was", async () => {
    for (const message of await everyKind())
      assert.deepEqual(formatMessage(parseMessage(formatMessage(message), store)), formatMessage(message));
  });

  test("has one spelling", () => {
    const good =
      '{"action":"boot","fence":null,"kind":"activate","log":null,"rehash":true,"warrant":"' +
      digest +
      '"}\n';
    assert.deepEqual(parseMessage(utf8(good), store), {
      ...activate,
      action: "boot",
      rehash: true,
      fence: null,
    });
    const others = {
      "white space": good.replace(":", ": "),
      "another order": good.replace(/("action":"boot"),("fence":null)/, "$2,$1"),
      "a key twice": good.replace('"rehash":true', '"rehash":true,"rehash":true'),
      "an escape": good.replace("boot", "b\\u006fot"),
      "no line end": good.trimEnd(),
      "two line ends": `${good}\n`,
      "a byte order mark": `\ufeff${good}`,
      "another number": good.replace("null", "1.0"),
      "a key that nobody reads": good.replace("}", ',"zone":1}'),
      "no fence": good.replace('"fence":null,', ""),
      "an unknown action": good.replace("boot", "build"),
      "a negative fence": good.replace("null", "-1"),
      "a digest in capitals": good.replace("abab", "ABab"),
    };
    for (const [what, text] of Object.entries(others))
      assert.throws(() => parseMessage(utf8(text), store), { code: "malformed" }, what);
  });

  test("of another kind, of no kind and of another store is none", () => {
    for (const text of ["{}", "[]", "null", "1", '{"kind":"exec"}', '{"kind":["status"]}'])
      assert.throws(() => parseMessage(utf8(`${text}\n`), store), { code: "malformed" }, text);
    const path = formatMessage({ kind: "import", bytes: null, path: pathOf("openssl"), uploader: null });
    assert.throws(() => parseMessage(path, "/other/store"), { code: "malformed" });
    const uploaders = ["{}", '"alice"', `{"key":"SHA256:short","member":"alice"}`, 'null,"x":1'];
    for (const one of uploaders) {
      const text = `{"kind":"witness","path":"${pathOf("openssl")}","uploader":${one}}\n`;
      assert.throws(() => parseMessage(utf8(text), store), { code: "malformed" }, text);
    }
    const witness = formatMessage({ kind: "witness", path: pathOf("openssl"), uploader: null });
    assert.throws(() => parseMessage(witness, "/other/store"), { code: "malformed" });
    const inside = Buffer.from(path).toString().replace("openssl", "openssl/../x");
    assert.throws(() => parseMessage(utf8(inside), store), { code: "malformed" });
  });

  test("is bounded in size and in what JSON may build", () => {
    const long = utf8(`{"kind":"status"${" ".repeat(messageLimits.other)}}\n`);
    assert.throws(() => parseMessage(long, store), { code: "limit" });
    assert.throws(() => parseMessage(utf8(`${"[".repeat(50_000)}\n`), store), { code: "limit" });
    const many = `{"between":[${"[],".repeat(9)}[]],"kind":"offer","status":null,"warrant":""}\n`;
    assert.throws(() => parseMessage(utf8(many), store), { code: "limit" });
  });

  test("with any byte changed is another message or none", async () => {
    const lines = (await everyKind()).map(formatMessage);
    fc.assert(
      fc.property(
        fc.constantFrom(...lines),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (line, place, flip) => {
          const changed = Uint8Array.from(line);
          changed[place % line.length]! ^= flip;
          try {
            assert.deepEqual(formatMessage(parseMessage(changed, store)), changed);
          } catch (error) {
            if (!(error instanceof NixsealError) || error.code === "bug") throw error;
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

test("a confirmation names the host and the warrant", () => {
  const about = { fleet: "test", host: "web", warrant: digest, nonce: digest };
  const text = Buffer.from(confirmationText(about)).toString();
  assert.equal(text, `{"fleet":"test","host":"web","nonce":"${digest}","v":1,"warrant":"${digest}"}`);
});
