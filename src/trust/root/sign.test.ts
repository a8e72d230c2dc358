import assert from "node:assert/strict";
import { test } from "node:test";
import { Keygen } from "../../../test/support/ssh-keygen.ts";
import { utf8 } from "../../core/bytes.ts";
import { SecretValue } from "../../core/secret-value.ts";
import { armorSshSig } from "../../ssh/sshsig.ts";
import { files } from "../../system/files.ts";
import { processes } from "../../system/processes.ts";
import { streams } from "../../system/streams.ts";
import { signAllWithKeygen, type Signing } from "./sign.ts";

test("many messages are signed by few runs, each with a signature that stock ssh-keygen takes for it alone", async (t) => {
  const keygen = new Keygen(t);
  keygen.run(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", "key"]);
  let runs = 0;
  const signing: Signing = {
    files,
    processes: { ...processes, run: (command) => (runs++, processes.run(command)) },
    streams: { ...streams, stdinIsTerminal: false },
    emit: () => undefined,
    passphrase: async () => new SecretValue(new Uint8Array()),
    askpass: null,
  };
  const messages = Array.from({ length: 103 }, (_, index) => ({ payload: utf8(`order ${index}`) }));
  const signatures = await signAllWithKeygen(signing, messages, "orders@example.org", keygen.path("key"));
  assert.deepEqual([signatures.length, runs], [messages.length, 2]);
  for (const index of [0, 99, 100, 102]) {
    keygen.write("signature", armorSshSig(signatures[index]!));
    const check = ["-Y", "check-novalidate", "-n", "orders@example.org", "-s", "signature"];
    assert.equal(keygen.try(check, messages[index]!.payload).code, 0);
    assert.notEqual(keygen.try(check, utf8("another")).code, 0);
  }
  const one = await signAllWithKeygen(
    signing,
    messages.slice(0, 1),
    "orders@example.org",
    keygen.path("key"),
  );
  assert.deepEqual(one, signatures.slice(0, 1), "Ed25519 signs the same in the same way");
});
