import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { keys, rootKeys, rootOf, signedRoot, start } from "../../../test/support/roots.ts";
import { base64, utf8 } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import { formatPublicKey } from "../../ssh/public-key-line.ts";
import { rsaPublicKey } from "../../ssh/public-key.ts";
import { decideChain } from "./decide.ts";
import { envelopeLimits, formatEnvelope, parseEnvelope } from "./envelope.ts";
import { encodeRoot, parseRoot, rootLimits } from "./root.ts";

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8");
const refuses = (
  bytes: Uint8Array,
  code: string,
  parse: (bytes: Uint8Array) => unknown = parseRoot,
): void => {
  assert.throws(
    () => parse(bytes),
    (error) => error instanceof NixsealError && error.code === code,
  );
};

test("a root is written and read back, byte for byte", () => {
  const bytes = encodeRoot(rootOf());
  assert.deepEqual(encodeRoot(parseRoot(bytes)), bytes);
  assert.equal(parseRoot(bytes).groups.get("edge")![0]!.text, "tag:edge");
});

test("one spelling only", () => {
  const good = text(encodeRoot(rootOf()));
  const changes: [string | RegExp, string][] = [
    [/^\{/, "{ "],
    [/\}$/, "}\n"],
    [/"version":1/, '"version":1,"version":1'],
    [/"version":1/, '"version":1.0'],
    [/"version":1/, '"version":2,"version":1'],
    ['"gateEpoch":1', '"gateEpoch":-0'],
    ['"fleet":"test"', '"fleet":"\\u0074est"'],
    [/^\{/, '{"extra":1,'],
    [/Z","fleet/, '.000Z","fleet'],
    [/T12:00:00Z/, "T12:00:00+00:00"],
    ['"threshold":1}},"upstream"', '"threshold":0}},"upstream"'],
    ['"edge":["tag:edge"]', '"edge":["group:edge"]'],
    ['"edge":["tag:edge"]', '"edge":[]'],
    ['"edge":["tag:edge"]', '"other":["tag:edge"]'],
    ["cache.nixos.org-1:", "cache.nixos.org-1\\u001b[2K:"],
    ["ssh-ed25519 ", "ssh-ed25519  "],
  ];
  for (const [from, to] of changes) {
    assert.notEqual(good.replace(from, to), good, String(from));
    refuses(utf8(good.replace(from, to)), "malformed");
  }
});

test("a threshold that cannot be met, and one holder under two names, are refused", () => {
  refuses(encodeRoot(rootOf({ root: rootKeys(2, 0) })), "malformed");
  refuses(encodeRoot(rootOf({ root: rootKeys(1, 0, 0) })), "malformed");
  refuses(encodeRoot(rootOf({ ca: { keys: [keys[0]!.publicKey, keys[0]!.publicKey] } })), "malformed");
  const modulus = new Uint8Array(256).fill(0xff);
  const twins = [rsaPublicKey(Uint8Array.of(3), modulus), rsaPublicKey(Uint8Array.of(5), modulus)];
  refuses(encodeRoot(rootOf({ root: { keys: twins, threshold: 1 } })), "malformed");
});

test("weak keys are no root keys", () => {
  const short = rsaPublicKey(Uint8Array.of(1, 0, 1), new Uint8Array(128).fill(0xff));
  refuses(encodeRoot(rootOf({ root: { keys: [short], threshold: 1 } })), "refused");
});

test("limits", async () => {
  refuses(new Uint8Array(rootLimits.payload + 1), "limit");
  refuses(new Uint8Array(envelopeLimits.file + 1), "limit", parseEnvelope);
  const line = formatPublicKey(keys[0]!.publicKey);
  const many = text(encodeRoot(rootOf())).replace(`"${line}"`, Array(33).fill(`"${line}"`).join(","));
  refuses(utf8(many), "limit");
  const one = await signedRoot(rootOf(), [keys[0]!]);
  refuses(formatEnvelope({ ...one, signatures: Array(65).fill(one.signatures[0]!) }), "limit", parseEnvelope);
  refuses(utf8("[".repeat(100_000)), "malformed");
  refuses(utf8(`${"[".repeat(50_000)}${"]".repeat(50_000)}`), "malformed");
});

test("the envelope has one spelling, and its signatures no junk", async () => {
  const good = text(formatEnvelope(await signedRoot(rootOf(), [keys[0]!])));
  assert.equal(text(formatEnvelope(parseEnvelope(utf8(good)))), good);
  const changes: [string | RegExp, string][] = [
    [/\n$/, ""],
    [/\n$/, "\n\n"],
    [/^\{/, '{"a":1,'],
    ["-----END SSH SIGNATURE-----\\n", "-----END SSH SIGNATURE-----\\njunk\\n"],
    ["-----END SSH SIGNATURE-----\\n", "-----END SSH SIGNATURE-----"],
    [/"payload":"/, '"payload":"AAAA","payload":"'],
  ];
  for (const [from, to] of changes) refuses(utf8(good.replace(from, to)), "malformed", parseEnvelope);
  refuses(utf8(`{"payload":"${base64(utf8("{}"))}","signatures":[]}\n`), "malformed", parseEnvelope);
});

test("no single changed byte of a root that is refused makes it accepted, and of an accepted one only what it says stays", async () => {
  const [a, b] = [keys[0]!, keys[1]!];
  const trusted = rootOf({ root: rootKeys(2, 0, 1) });
  const next = { ...trusted, version: 2 };
  const refused = formatEnvelope(await signedRoot(next, [a, a]));
  const accepted = formatEnvelope(await signedRoot(next, [a, b]));
  const decide = (file: Uint8Array): string => {
    try {
      const decision = decideChain(trusted, [parseEnvelope(file)], start);
      return decision.accepted ? text(encodeRoot(decision.root)) : "refused";
    } catch (error) {
      if (error instanceof NixsealError && error.code !== "bug") return "refused";
      throw error;
    }
  };
  assert.equal(decide(refused), "refused");
  assert.equal(decide(accepted), text(encodeRoot(next)));
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), (place, flip) => {
      for (const file of [refused, accepted]) {
        const changed = Uint8Array.from(file);
        changed[place % file.length]! ^= flip;
        const outcome = decide(changed);
        assert.ok(outcome === "refused" || (file === accepted && outcome === text(encodeRoot(next))));
      }
    }),
    { numRuns: 1500 },
  );
});
