import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { certificate, fixedKey } from "../../test/support/ssh-artifacts.ts";
import { Keygen } from "../../test/support/ssh-keygen.ts";
import { base64, utf8 } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import { parseAllowedSigners, readAllowedSigners } from "./allowed-signers.ts";
import { formatPublicKey } from "./public-key-line.ts";
import { privateKeySigner, signMessage } from "./signer.ts";
import { armorSshSig } from "./sshsig.ts";
import { verify } from "./verify.ts";

const key = formatPublicKey(fixedKey(1).publicKey);

test("the example of the manual, with lines counted from 1", () => {
  const [user, authority, file] = parseAllowedSigners(
    `# Comments allowed at start of line
user1@example.com,user2@example.com ${key}
# A certificate authority, trusted for all principals in a domain.
*@example.com cert-authority ${key}

\tuser2@example.com namespaces="file" ${key} with a comment
`,
  );
  assert.deepEqual(user, {
    line: 2,
    principals: "user1@example.com,user2@example.com",
    key: fixedKey(1).publicKey,
    certAuthority: false,
    namespaces: null,
    validAfter: null,
    validBefore: null,
  });
  assert.deepEqual([authority?.line, authority?.certAuthority], [4, true]);
  assert.deepEqual([file?.line, file?.namespaces], [6, "file"]);
});

test("options: case, quotes, several, local time", () => {
  const [one] = parseAllowedSigners(
    `"a b" Cert-Authority,NameSpaces="x,\\"y\\" \\z",valid-after="20260101",VALID-BEFORE="20260102Z"\t ${key}`,
  );
  assert.equal(one?.principals, "a b");
  assert.ok(one?.certAuthority);
  assert.equal(one.namespaces, 'x,"y" \\z');
  assert.deepEqual(one.validAfter, new Date(2026, 0, 1));
  assert.deepEqual(one.validBefore, new Date(Date.UTC(2026, 0, 2)));
});

test("every malformed line is reported with its number; the good ones are still there", () => {
  const other = certificate({ key: fixedKey(2).publicKey, ca: fixedKey(1) });
  const bad = [
    "alice",
    "alice ",
    key,
    `alice namespaces="x"${key}`,
    `alice namespaces=x ${key}`,
    `alice namespaces ${key}`,
    `alice namespaces="x ${key}`,
    `alice namespaces="x\\" ${key}`,
    `alice cert-authority="x" ${key}`,
    `alice cert-authority, ${key}`,
    `alice ,cert-authority ${key}`,
    `alice cert-authority,,namespaces="x" ${key}`,
    `alice cert-authority,cert-authority ${key}`,
    `alice namespaces="x",namespaces="y" ${key}`,
    `alice cert-authorityy ${key}`,
    `alice constructor ${key}`,
    `alice valid-after="tomorrow" ${key}`,
    `alice valid-after="20260102Z",valid-before="20260102Z" ${key}`,
    `"alice ${key}`,
    `"" ${key}`,
    `al"ice ${key}`,
    `"alice"${key}`,
    `alice\0 ${key}`,
    `alice ${key}\0`,
    `alice ssh-ed25519 ${base64(utf8("short"))}`,
    `alice ssh-dss AAAAB3NzaC1kc3M=`,
    `alice ${other.certificateType} ${base64(other.blob)}`,
  ];
  const { signers, faults } = readAllowedSigners([`first ${key}`, ...bad, `last ${key}`].join("\n"));
  assert.deepEqual(
    faults.map((fault) => fault.where?.line),
    bad.map((_, i) => i + 2),
  );
  assert.deepEqual(
    signers.map(({ principals }) => principals),
    ["first", "last"],
  );
  assert.throws(() => parseAllowedSigners(`\nalice cert-authorityy ${key}`), {
    code: "malformed",
    where: { line: 2 },
    hint: /did you mean 'cert-authority'/,
  });
});

test("large files and long lines end in bounded time", () => {
  assert.throws(() => readAllowedSigners("x".repeat(5 << 20)), { code: "limit" });
  const long = `alice namespaces="${'\\"'.repeat(500_000)} ${key}`;
  assert.equal(readAllowedSigners(long).faults.length, 1);
  assert.equal(readAllowedSigners(`${" ".repeat(1_000_000)}x`).faults.length, 1);
  const spaces = " ".repeat(3_000_000);
  assert.equal(readAllowedSigners(`a${spaces}\0`).faults.length, 1);
  assert.equal(readAllowedSigners(`a ssh-ed25519${spaces}\rx`).faults.length, 1);
  assert.equal(readAllowedSigners(`a ${key} c${spaces}\rx`).faults.length, 1);
  assert.equal(readAllowedSigners(`a ${key} c${spaces}x`).signers.length, 1);
});

test("any text gives signers and faults, never another error", () => {
  const words = fc.constantFrom(
    "alice",
    " ",
    "\t",
    '"',
    ",",
    "=",
    "\\",
    "\n",
    "\r",
    "\0",
    "cert-authority",
    "namespaces",
    key,
    "ssh-",
    "#",
    "é",
  );
  fc.assert(
    fc.property(fc.array(words, { maxLength: 12 }), (parts) => {
      const { faults } = readAllowedSigners(parts.join(""));
      assert.ok(faults.every((fault) => fault instanceof NixsealError && fault.where?.line !== undefined));
    }),
    { numRuns: 1000 },
  );
});

test("with any one character changed, we accept nothing that ssh-keygen refuses", async (t) => {
  const keygen = new Keygen(t);
  const signature = await signMessage(utf8("m"), "file", privateKeySigner(fixedKey(1)));
  const good = `bob,!alice ${key}\nal* namespaces="f*",valid-before="20270101Z" ${key} c\n`;
  const evidence = { message: utf8("m"), signature };
  const args = ["-Y", "verify", "-I", "alice", "-n", "file", "-f", "signers", "-O", "verify-time=20260601Z"];
  args.push("-s", keygen.write("s", armorSshSig(signature)));
  const changes = ["*", "?", "!", ",", '"', "\\", " ", "\n", "#", "=", "a", "Z", "0"];
  let accepted = 0;
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.constantFrom(...changes), (at, other) => {
      const changed = good.slice(0, at) + other + good.slice(at + 1);
      const { signers } = readAllowedSigners(changed);
      const decision = verify(
        evidence,
        { signers, principal: "alice", namespace: "file" },
        new Date("2026-06-01"),
      );
      if (!decision.accepted) return;
      accepted++;
      keygen.write("signers", changed);
      assert.equal(keygen.try(args, "m").code, 0, changed);
    }),
    { numRuns: 200 },
  );
  assert.ok(accepted > 0);
});
