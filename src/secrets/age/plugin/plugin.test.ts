/** The plugin protocol with a plugin of the tests, which the program `age` uses as well. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { installPlugin, pluginIdentity, pluginRecipient } from "../../../../test/support/age-plugin.ts";
import { AgeTools, random } from "../../../../test/support/age-tools.ts";
import { NixsealError } from "../../../core/errors.ts";
import { SecretValue } from "../../../core/secret-value.ts";
import { processes } from "../../../system/processes.ts";
import { encodeBech32 } from "../bech32.ts";
import { decryptBytes } from "../decrypt.ts";
import { encryptBytes } from "../encrypt.ts";
import { parseIdentity } from "../parse-identity.ts";
import { parseRecipient } from "../parse-recipient.ts";
import type { PluginHost } from "./host.ts";

const value = new TextEncoder().encode("value");

function nobody(): never {
  throw new NixsealError("refused", "nobody is there");
}

/** Starts plugins from the test's directory. `said` collects what they show. */
function host(tools: AgeTools, said: string[] = [], ui: Partial<PluginHost["ui"]> = {}): PluginHost {
  const PATH = `${tools.directory}:${process.env["PATH"]}`;
  return {
    processes: { converse: (command) => processes.converse({ ...command, env: { PATH } }) },
    patience: 2000,
    ui: {
      display: async (plugin, message) => void said.push(`${plugin}: ${message}`),
      confirm: async () => nobody(),
      requestPublic: async () => nobody(),
      requestSecret: async () => nobody(),
      ...ui,
    },
  };
}

const answering: Partial<PluginHost["ui"]> = {
  confirm: async (_plugin, question, yes, no) => `${question}${yes}${no}` === "sure?YesNo",
  requestPublic: async () => SecretValue.fromText("alice"),
  requestSecret: async () => SecretValue.fromText("1234"),
};

test("both directions, with ourselves and with age", async (context) => {
  const tools = new AgeTools(context);
  installPlugin(tools);
  const plugins = host(tools);
  const identity = pluginIdentity("plain");
  tools.write("identity", `${identity}\n`);
  const ours = await encryptBytes(
    value,
    [parseRecipient(pluginRecipient("plain"), { random, plugins })],
    random,
  );
  const theirs = tools.run("age", ["-r", pluginRecipient("plain")], value);
  for (const file of [ours, theirs]) {
    assert.deepEqual((await decryptBytes(file, [parseIdentity(identity, { plugins })])).reveal(), value);
    assert.equal(tools.run("age", ["-d", "-i", "identity"], file).toString(), "value");
  }
  const own = await parseIdentity(identity, { plugins }).recipients(random);
  const toIdentity = await encryptBytes(value, own, random);
  assert.equal(tools.run("age", ["-d", "-i", "identity"], toIdentity).toString(), "value");
});

test("a plugin shows, asks and is answered", async (context) => {
  const tools = new AgeTools(context);
  installPlugin(tools);
  const said: string[] = [];
  const plugins = host(tools, said, answering);
  const file = await encryptBytes(
    value,
    [parseRecipient(pluginRecipient("talk"), { random, plugins })],
    random,
  );
  assert.deepEqual(
    (await decryptBytes(file, [parseIdentity(pluginIdentity("talk"), { plugins })])).reveal(),
    value,
  );
  assert.deepEqual(said, ["test: touch it", "test: touch it"]);
});

test("with nobody to ask, the plugin is told so and its own error is reported", async (context) => {
  const tools = new AgeTools(context);
  installPlugin(tools);
  const recipient = parseRecipient(pluginRecipient("talk"), { random, plugins: host(tools) });
  await assert.rejects(encryptBytes(value, [recipient], random), { code: "tool", message: /fail/ });
});

test("a plugin's labels keep classical recipients out", async (context) => {
  const tools = new AgeTools(context);
  installPlugin(tools);
  const recipient = parseRecipient(pluginRecipient("pq"), { random, plugins: host(tools) });
  assert.ok(await encryptBytes(value, [recipient], random));
  const classical = parseRecipient(tools.ageKey("key"), { random });
  await assert.rejects(encryptBytes(value, [recipient, classical], random), { code: "refused" });
});

const broken = [
  ["hang", "timeout"],
  ["die", "tool"],
  ["garbage", "malformed"],
  ["endless", "limit"],
  ["flood", "limit"],
  ["error", "tool"],
  ["index", "malformed"],
] as const;

for (const [behaviour, code] of broken) {
  test(`a plugin that does '${behaviour}' is an error and no wait without end`, async (context) => {
    const tools = new AgeTools(context);
    installPlugin(tools);
    const recipient = parseRecipient(pluginRecipient(behaviour), { random, plugins: host(tools) });
    await assert.rejects(encryptBytes(value, [recipient], random), { code });
  });
}

test("a second file key and a file for others", async (context) => {
  const tools = new AgeTools(context);
  installPlugin(tools);
  const plugins = host(tools);
  const file = await encryptBytes(
    value,
    [parseRecipient(pluginRecipient("plain"), { random, plugins })],
    random,
  );
  const twice = parseIdentity(pluginIdentity("twice"), { plugins });
  await assert.rejects(decryptBytes(file, [twice]), { code: "malformed" });
  const other = tools.run("age", ["-r", tools.ageKey("key")], value);
  await assert.rejects(decryptBytes(other, [parseIdentity(pluginIdentity("plain"), { plugins })]), {
    code: "refused",
  });
});

test("a plugin that is not there, and names that are no names", async (context) => {
  const tools = new AgeTools(context);
  const plugins = host(tools);
  const missing = parseRecipient(pluginRecipient("plain"), { random, plugins });
  await assert.rejects(encryptBytes(value, [missing], random), { code: "not-found" });
  assert.throws(() => parseRecipient(pluginRecipient("plain"), { random }), { code: "refused" });
  for (const name of ["../x", "x/y", "x y", "x;y"].map((name) => encodeBech32(`age1${name}`, value)))
    assert.throws(() => parseRecipient(name, { random, plugins }), NixsealError);
});
