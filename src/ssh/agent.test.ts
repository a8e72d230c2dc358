import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import * as fc from "fast-check";
import { fixedKey } from "../../test/support/ssh-artifacts.ts";
import { Keygen } from "../../test/support/ssh-keygen.ts";
import { concat, utf8 } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import { agentIdentities, agentSigner, type AgentTransport } from "./agent.ts";
import { signMessage } from "./signer.ts";
import { armorSshSig } from "./sshsig.ts";
import { string, u32, u8 } from "./wire.ts";

/** One connection an exchange; enough for a test. */
function socketTransport(path: string): AgentTransport {
  return {
    async exchange(request) {
      const socket = connect(path);
      socket.setTimeout(10_000, () => socket.destroy(new Error("the agent does not answer")));
      socket.write(request);
      let answer = Buffer.alloc(0);
      for await (const piece of socket) {
        answer = Buffer.concat([answer, piece as Buffer]);
        if (answer.length >= 4 && answer.length >= 4 + answer.readUInt32BE()) break;
      }
      return answer;
    },
  };
}

const answering = (answer: Uint8Array): AgentTransport => ({ exchange: async () => answer });

test("ssh-agent lists keys and certificates and signs with them", async (t) => {
  const keygen = new Keygen(t);
  const path = keygen.path("agent");
  const agent = spawn("ssh-agent", ["-D", "-a", path], { stdio: ["ignore", "pipe", "ignore"] });
  t.after(() => agent.kill());
  await once(agent.stdout, "data");
  for (const [name, ...options] of [["ed25519"], ["ecdsa"], ["rsa", "-b", "2048"]] as const) {
    keygen.key(name, name, ...options);
  }
  keygen.run(["-q", "-s", "rsa", "-I", "id", "-n", "alice", "ed25519.pub"]);
  const add = spawn("ssh-add", ["ed25519", "ecdsa", "rsa"], {
    cwd: keygen.directory,
    env: { PATH: process.env["PATH"], SSH_AUTH_SOCK: path },
    stdio: "ignore",
  });
  assert.deepEqual(await once(add, "exit"), [0, null]);

  const transport = socketTransport(path);
  const identities = await agentIdentities(transport);
  assert.deepEqual(
    identities.map(({ comment, identity }) => [comment, identity?.type]),
    [
      ["ed25519", "ssh-ed25519"],
      ["ed25519", "certificate"],
      ["ecdsa", "ecdsa-sha2-nistp256"],
      ["rsa", "ssh-rsa"],
    ],
  );
  for (const { identity, comment } of identities) {
    const signature = await signMessage(utf8("message"), "file", agentSigner(transport, identity!));
    keygen.write("s", armorSshSig(signature));
    const authority = identity!.type === "certificate" ? "cert-authority " : "";
    keygen.write("f", `alice ${authority}${keygen.text(`${authority === "" ? comment : "rsa"}.pub`)}`);
    keygen.run(["-Y", "verify", "-f", "f", "-I", "alice", "-n", "file", "-s", "s"], "message");
  }
  const missing = agentSigner(transport, fixedKey(1).publicKey);
  await assert.rejects(missing.sign(utf8("x")), { code: "refused" });
});

test("a signature that does not verify is not passed on", async () => {
  const wrong = concat(string("ssh-ed25519"), string(new Uint8Array(64)));
  const signer = agentSigner(answering(string(concat(u8(14), string(wrong)))), fixedKey(1).publicKey);
  await assert.rejects(signMessage(utf8("m"), "file", signer), { code: "refused" });
});

test("identities of unknown types are listed without a key", async () => {
  const blob = concat(string("ssh-new@example.org"), string("key"));
  const transport = answering(string(concat(u8(12), u32(1), string(blob), string("new"))));
  assert.deepEqual(await agentIdentities(transport), [{ identity: null, blob, comment: "new" }]);
});

test("broken and hostile answers are errors", async () => {
  const identities = (...content: Uint8Array[]) => agentIdentities(answering(string(concat(...content))));
  await assert.rejects(identities(u8(5)), { code: "refused" });
  await assert.rejects(identities(u8(14)), { code: "malformed" });
  await assert.rejects(identities(), { code: "malformed" });
  await assert.rejects(identities(u8(12), u32(0xffffffff)), { code: "limit" });
  await assert.rejects(identities(u8(12), u32(1)), { code: "malformed" });
  await assert.rejects(identities(u8(12), u32(0), u8(0)), { code: "malformed" });
  await assert.rejects(agentIdentities(answering(concat(string(u8(5)), u8(0)))), { code: "malformed" });
  await assert.rejects(agentIdentities(answering(new Uint8Array(300 << 10))), { code: "limit" });
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), async (bytes) => {
      for (const answer of [bytes, string(concat(u8(12), u32(1), bytes))]) {
        await assert.rejects(agentIdentities(answering(answer)), (error) => error instanceof NixsealError);
      }
    }),
  );
});
