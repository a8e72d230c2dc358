import { chmodSync } from "node:fs";
import { encodeBech32 } from "../../src/secrets/age/bech32.ts";
import type { AgeTools } from "./age-tools.ts";

/**
 * A plugin `age-plugin-test` that "encrypts" by exclusive or. It is written without any of our code, and `age` is
 * its second client in the tests. What its recipient or identity says decides how it behaves.
 */
const program = `#!/usr/bin/env node
const machine = process.argv[2].replace("--age-plugin=", "");
const b64 = (bytes) => Buffer.from(bytes).toString("base64").replace(/=+$/, "");
const xor = (bytes) => Buffer.from(bytes).map((byte) => byte ^ 0x42);
function send(args, body = "") {
  const text = b64(body);
  let out = "-> " + args.join(" ") + "\\n";
  for (let i = 0; i <= text.length; i += 64) out += text.slice(i, i + 64) + "\\n";
  process.stdout.write(out);
}
const lines = (async function* () {
  let rest = "";
  for await (const piece of process.stdin) {
    rest += piece;
    for (let end; (end = rest.indexOf("\\n")) !== -1; rest = rest.slice(end + 1)) yield rest.slice(0, end);
  }
})();
async function receive() {
  const args = (await lines.next()).value?.split(" ").slice(1);
  let body = "", line;
  do body += line = (await lines.next()).value ?? ""; while (line.length === 64);
  return { args, body: Buffer.from(body, "base64") };
}
async function ask(args, body) {
  send(args, body);
  return receive();
}
function behaviour(text) {
  const alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l", words = text.toLowerCase().slice(text.lastIndexOf("1") + 1, -6);
  let bits = "";
  for (const c of words) bits += alphabet.indexOf(c).toString(2).padStart(5, "0");
  return bits.match(/.{8}/g).map((byte) => String.fromCharCode(parseInt(byte, 2))).join("");
}
(async () => {
  const said = [];
  for (let stanza; (stanza = await receive()).args && stanza.args[0] !== "done"; ) said.push(stanza);
  const key = said.find(({ args }) => args[0].startsWith("add-")).args[1];
  const how = behaviour(key);
  if (how === "hang") return setInterval(() => {}, 1000);
  if (how === "die") { console.error("no such device"); process.exit(7); }
  if (how === "garbage") return process.stdout.write("hello, client\\n");
  if (how === "endless") for (;;) await ask(["msg"], "again");
  if (how === "flood") for (;;) if (!process.stdout.write("A".repeat(65536))) await new Promise((go) => process.stdout.once("drain", go));
  if (how === "error") { await ask(["error", "internal"], "the key is not plugged in"); return send(["done"]); }
  if (how === "talk") {
    await ask(["msg"], "touch it");
    const curious = await ask(["curious", "x"], "?");
    const pin = await ask(["request-secret"], "PIN?");
    const name = await ask(["request-public"], "name?");
    const sure = await ask(["confirm", b64("Yes"), b64("No")], "sure?");
    const got = [curious.args[0], pin.args[0], pin.body, name.body, sure.args.join(" ")].join("|");
    if (got !== "unsupported|ok|1234|alice|ok yes") { await ask(["error", "internal"], got); return send(["done"]); }
  }
  if (machine === "recipient-v1") {
    const { body } = said.find(({ args }) => args[0] === "wrap-file-key");
    await ask(["recipient-stanza", how === "index" ? "1" : "0", "test", "x".repeat(100)], xor(body));
    if (said.some(({ args }) => args[0] === "extension-labels") && how === "pq") await ask(["labels", "postquantum"]);
  } else {
    const mine = said.find(({ args }) => args[0] === "recipient-stanza" && args[2] === "test");
    if (mine) await ask(["file-key", "0"], xor(mine.body));
    if (mine && how === "twice") await ask(["file-key", "0"], xor(mine.body));
  }
  send(["done"]);
  process.stdin.destroy();
})();
`;

export function installPlugin(tools: AgeTools): void {
  chmodSync(tools.write("age-plugin-test", program), 0o755);
}

export function pluginRecipient(behaviour: string): string {
  return encodeBech32("age1test", Buffer.from(behaviour));
}

export function pluginIdentity(behaviour: string): string {
  return encodeBech32("age-plugin-test-", Buffer.from(behaviour)).toUpperCase();
}
