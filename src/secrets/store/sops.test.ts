import assert from "node:assert/strict";
import { createCipheriv, createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import { random } from "../../system/random.ts";
import { encryptBytes } from "../age/encrypt.ts";
import { X25519Identity } from "../age/x25519.ts";
import { openSops } from "./sops.ts";
import { parseSops } from "./sops-document.ts";

const identity = new X25519Identity(random.bytes(32));
const lastModified = "2026-08-01T09:00:14Z";

function seal(key: Uint8Array, text: string, context: string, type = "str"): string {
  const iv = randomBytes(32);
  const cipher = createCipheriv("aes-256-gcm", key, iv).setAAD(Buffer.from(context));
  const data = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return `ENC[AES256_GCM,data:${data.toString("base64")},iv:${iv.toString("base64")},tag:${cipher.getAuthTag().toString("base64")},type:${type}]`;
}

/** A file as SOPS writes it: `values` in order, those with a type encrypted. */
async function sopsFile(
  values: readonly (readonly [path: string[], text: string, type: string | null])[],
  macOnlyEncrypted = false,
): Promise<string> {
  const key = randomBytes(32);
  const [recipient] = identity.recipients(random);
  const enc = Buffer.from(await encryptBytes(key, [recipient!], random, { armor: true })).toString();
  const mac = createHash("sha512");
  if (macOnlyEncrypted) mac.update(createHash("sha256").update("sops").digest());
  const lines = values.map(([path, text, type]) => {
    if (type !== null || !macOnlyEncrypted) mac.update(text === "true" ? "True" : text);
    const value = type === null ? text : JSON.stringify(seal(key, text, `${path.join(":")}:`, type));
    return `${path.map((part, depth) => `${"  ".repeat(depth)}${part}:`).join("\n")} ${value}`;
  });
  const sealedMac = seal(key, mac.digest("hex").toUpperCase(), lastModified);
  const age = `  age:\n    - recipient: age1example\n      enc: |\n${enc.replace(/^/gm, "        ").trimEnd()}`;
  const rest = `  lastmodified: "${lastModified}"\n  mac: ${sealedMac}\n  mac_only_encrypted: ${macOnlyEncrypted}\n`;
  return `${lines.join("\n")}\nsops:\n${age}\n${rest}`;
}

async function opened(text: string): Promise<[string, string][]> {
  const values = await openSops(await parseSops(text), [identity]);
  return values.map(({ path, value }) => [path.join("."), Buffer.from(value.reveal()).toString()]);
}

const example = [
  [["db", "password"], "hunter2", "str"],
  [["port"], "5432", "int"],
  [["9"], "nine", "str"],
  [["debug_unencrypted"], "true", null],
  [["1"], "one", "str"],
] as const satisfies readonly (readonly [string[], string, string | null])[];

test("values of all types, in the order of the file, also under keys that look like numbers", async () => {
  const wanted = [
    ["db.password", "hunter2"],
    ["port", "5432"],
    ["9", "nine"],
    ["1", "one"],
  ];
  assert.deepEqual(await opened(await sopsFile(example)), wanted);
  assert.deepEqual(await opened(await sopsFile(example, true)), wanted);
});

test("a value that was exchanged, removed or added in the clear does not pass", async () => {
  const text = await sopsFile(example);
  const lines = text.split("\n");
  const swapped = [lines[0], lines[1], ...lines.slice(2)];
  const [nine, one] = [
    lines.findIndex((line) => line.startsWith("9:")),
    lines.findIndex((line) => line.startsWith("1:")),
  ];
  swapped[nine] = lines[one]!.replace("1:", "9:");
  swapped[one] = lines[nine]!.replace("9:", "1:");
  await assert.rejects(opened(swapped.join("\n")), {
    code: "malformed",
    message: /the SOPS value 9 was altered/,
  });
  await assert.rejects(opened(text.replace(/^port:.*\n/m, "")), { code: "malformed", message: /MAC/ });
  await assert.rejects(opened(text.replace("debug_unencrypted: true", "debug_unencrypted: false")), {
    message: /MAC/,
  });
  await assert.rejects(opened(text.replace("09:00:14", "09:00:15")), { message: /MAC/ });
  await assert.rejects(opened(text.replace("mac_only_encrypted: false", "mac_only_encrypted: true")), {
    message: /MAC/,
  });
});

test("what is no SOPS file is refused with its place, and aliases and depth have an end", async () => {
  const wrong: [string, string][] = [
    ["a: [", "malformed"],
    ["a: 1", "malformed"],
    ["a: &x ENC[]\nb: *x\nsops: {mac: m, lastmodified: l}", "refused"],
    [`${"[".repeat(200)}${"]".repeat(200)}`, "limit"],
  ];
  for (const [text, code] of wrong) await assert.rejects(parseSops(text), { code }, text.slice(0, 40));
});
