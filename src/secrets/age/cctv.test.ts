/** The age test kit of C2SP: every vector, whole, in chunks and byte by byte. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { inflateSync } from "node:zlib";
import * as vectors from "cctv-age";
import { utf8 } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import { SecretValue } from "../../core/secret-value.ts";
import { decrypt, decryptBytes } from "./decrypt.ts";
import type { Identity } from "./identity.ts";
import { parseIdentity } from "./parse-identity.ts";
import { ScryptIdentity } from "./scrypt.ts";

interface Vector {
  readonly expect: string;
  readonly payload: string | undefined;
  readonly identities: Identity[];
  readonly file: Uint8Array;
}

/** The textual part, an empty line, the file. */
function parse(bytes: Uint8Array): Vector {
  const vector = Buffer.from(bytes);
  const end = vector.indexOf("\n\n");
  const fields = vector
    .subarray(0, end)
    .toString()
    .split("\n")
    .map((line) => line.split(": ") as [string, string]);
  const all = (key: string): string[] => fields.filter(([name]) => name === key).map(([, value]) => value);
  const file = vector.subarray(end + 2);
  return {
    expect: all("expect")[0]!,
    payload: all("payload")[0],
    identities: [
      ...all("identity").map((text) => parseIdentity(text, {})),
      ...all("passphrase").map((text) => new ScryptIdentity(() => new SecretValue(utf8(text)))),
    ],
    file: all("compressed")[0] === "zlib" ? inflateSync(file) : file,
  };
}

/** What the specification's words are in ours. */
const codes: Record<string, readonly string[]> = {
  "no match": ["refused"],
  "HMAC failure": ["malformed"],
  "header failure": ["malformed", "limit"],
  "payload failure": ["malformed"],
  "armor failure": ["malformed"],
};

async function* pieces(file: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < file.length; start += size) yield file.slice(start, start + size);
}

/** Everything that came out, and the error that ended it. */
async function collect(stream: AsyncIterable<Uint8Array>): Promise<{ output: Buffer; error: unknown }> {
  const output: Uint8Array[] = [];
  try {
    for await (const piece of stream) output.push(Uint8Array.from(piece));
  } catch (error) {
    return { output: Buffer.concat(output), error };
  }
  return { output: Buffer.concat(output), error: undefined };
}

function judge(vector: Vector, error: unknown): void {
  if (vector.expect === "success") return assert.equal(error, undefined);
  assert.ok(error instanceof NixsealError, String(error));
  assert.ok(codes[vector.expect]!.includes(error.code), `${error.code}: ${error.message}`);
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

test("the kit is complete", () => assert.equal(Object.keys(vectors).length, 143));

for (const [name, bytes] of Object.entries(vectors)) {
  const vector = parse(bytes);

  test(`${name}: whole`, async () => {
    const result = await decryptBytes(vector.file, vector.identities).catch((error: unknown) => error);
    judge(vector, result instanceof SecretValue ? undefined : result);
    if (result instanceof SecretValue) assert.equal(sha256(result.reveal()), vector.payload);
  });

  // Byte by byte through many chunks says nothing that two or three do not.
  const sizes = vector.file.length > 200 << 10 ? [1 << 16, 4099] : [1 << 16, 4099, 61, 1];
  for (const size of sizes) {
    test(`${name}: in pieces of ${size}`, async () => {
      const { output, error } = await collect(decrypt(pieces(vector.file, size), vector.identities));
      judge(vector, error);
      // What was let out before a fault was noticed is a true beginning of the plaintext, or nothing at all.
      assert.equal(sha256(output), vector.payload ?? sha256(new Uint8Array()));
    });
  }
}
