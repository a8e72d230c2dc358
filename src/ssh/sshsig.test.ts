import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { fixedKey } from "../../test/support/ssh-artifacts.ts";
import { Keygen } from "../../test/support/ssh-keygen.ts";
import { base64, concat, fromBase64, utf8 } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import { privateKeySigner, signMessage } from "./signer.ts";
import { armorSshSig, parseArmoredSshSig, parseSshSig } from "./sshsig.ts";
import { string, u32 } from "./wire.ts";

const malformed = { name: "NixsealError", code: "malformed" };
const begin = "-----BEGIN SSH SIGNATURE-----";
const end = "-----END SSH SIGNATURE-----";

async function example(): Promise<string> {
  return armorSshSig(await signMessage(utf8("message"), "file", privateKeySigner(fixedKey(1))));
}

test("armor of ssh-keygen reads and is written the same", (t) => {
  const keygen = new Keygen(t);
  keygen.key("k");
  const armored = keygen.run(["-Y", "sign", "-f", "k", "-n", "file"], "message");
  assert.equal(armorSshSig(parseArmoredSshSig(armored)), armored);
  assert.equal(parseArmoredSshSig(armored.trimEnd()).namespace, "file"); // as git keeps it in a header
});

test("lines may be as wide as the specification or PEM has them, all alike", async () => {
  const body = (await example()).split("\n").slice(1, -2).join("");
  const lines = (width: number) => body.match(new RegExp(`.{1,${width}}`, "g"))!;
  for (const width of [64, 70, 76]) parseArmoredSshSig([begin, ...lines(width), end].join("\n"));
  for (const width of [1, 63, 71, 1000]) {
    assert.throws(() => parseArmoredSshSig([begin, ...lines(width), end].join("\n")), malformed);
  }
});

test("anything before, behind or between is malformed", async () => {
  const good = await example();
  const bad = [
    `\n${good}`,
    ` ${good}`,
    `${good}\n`,
    `${good}x`,
    `${good.trimEnd()} `,
    good.replaceAll("\n", "\r\n"),
    good.replace("\n", "\n\n"),
    good.replace(end, `\n${end}`),
    good.replace("U1NI", "U1NI\n"),
    good.replace(end, "-----END SSH SIGNATURE----"),
    `${begin}\n${end}\n`,
    begin,
    "",
    good + good,
  ];
  for (const text of bad) assert.throws(() => parseArmoredSshSig(text), malformed, JSON.stringify(text));
  assert.throws(() => parseArmoredSshSig(`${begin}\n${"A".repeat(1 << 17)}\n${end}`), { code: "limit" });
});

test("base64 with stray bits is malformed", async () => {
  const good = await example();
  const tail = /([A-Za-z0-9+/])=\n-----END/.exec(good) ?? /([A-Za-z0-9+/])==\n-----END/.exec(good);
  if (tail === null) return; // the example's length leaves no padding: fixed key, so this is decided once
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const other = alphabet[alphabet.indexOf(tail[1]!) + 1]!;
  assert.throws(() => parseArmoredSshSig(good.replace(tail[0], tail[0].replace(tail[1]!, other))), malformed);
});

test("every field of the blob is held to the format", async () => {
  const { signer, signature } = parseArmoredSshSig(await example());
  const blob = (over: {
    version?: number;
    namespace?: string;
    reserved?: string;
    hash?: string;
    tail?: string;
  }) =>
    concat(
      utf8("SSHSIG"),
      u32(over.version ?? 1),
      string(signer.blob),
      string(over.namespace ?? "file"),
      string(over.reserved ?? ""),
      string(over.hash ?? "sha512"),
      string(signature),
      utf8(over.tail ?? ""),
    );
  assert.equal(base64(blob({})), base64(fromBase64((await example()).split("\n").slice(1, -2).join(""))!));
  parseSshSig(blob({}));
  assert.throws(() => parseSshSig(blob({ version: 0 })), malformed);
  assert.throws(() => parseSshSig(blob({ version: 2 })), malformed);
  assert.throws(() => parseSshSig(blob({ namespace: "" })), malformed);
  assert.throws(() => parseSshSig(blob({ namespace: "file\0" })), malformed);
  assert.throws(() => parseSshSig(blob({ reserved: "x" })), malformed);
  assert.throws(() => parseSshSig(blob({ hash: "md5" })), { code: "refused", message: /md5/ });
  assert.throws(() => parseSshSig(blob({ tail: "\0" })), malformed);
  assert.throws(() => parseSshSig(blob({}).subarray(1)), malformed);
  assert.throws(() => parseSshSig(new Uint8Array()), malformed);
});

test("any text and any bytes are a signature or malformed", () => {
  const texts = fc.array(fc.oneof(fc.constantFrom(begin, end, "\n", "U1NIU0lH", "="), fc.string()));
  const onlyOurs = (parse: () => unknown) => {
    try {
      parse();
    } catch (error) {
      assert.ok(error instanceof NixsealError, String(error));
    }
  };
  fc.assert(fc.property(texts, (parts) => onlyOurs(() => parseArmoredSshSig(parts.join("")))));
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 60 })), (fields) =>
      onlyOurs(() => parseSshSig(concat(utf8("SSHSIG"), u32(1), ...fields.map((field) => string(field))))),
    ),
  );
});
