import assert from "node:assert/strict";
import { suite, test } from "node:test";
import * as fc from "fast-check";
import { authenticator, certificate, certificateBlob, fixedKey } from "../../test/support/ssh-artifacts.ts";
import { Keygen } from "../../test/support/ssh-keygen.ts";
import { NixsealError } from "../core/errors.ts";
import { optionText, parseCertificate, parseCertificateLine } from "./certificate.ts";
import { checkCertificate, type CertificatePolicy } from "./check-certificate.ts";
import { ed25519PublicKey } from "./public-key.ts";

const now = new Date("2026-06-01T12:00:00.000Z");
const seconds = BigInt(now.getTime() / 1000);
const [ca, member] = [fixedKey(1), fixedKey(2)];
const basic = { key: member.publicKey, ca };

function codeOf(
  blobOrFields: Parameters<typeof certificate>[0],
  policy: Partial<CertificatePolicy> = {},
): string {
  return (
    checkCertificate(certificate(blobOrFields), { now, principal: "alice", ...policy })?.code ?? "accepted"
  );
}

suite("certificates of ssh-keygen -s", () => {
  const types = [
    ["ed25519"],
    ["ecdsa", "-b", "256"],
    ["ecdsa", "-b", "384"],
    ["ecdsa", "-b", "521"],
    ["rsa", "-b", "2048"],
  ] as const;
  for (const [type, ...options] of types) {
    test(`for and by ${type} ${options.join(" ")}`, (t) => {
      const keygen = new Keygen(t);
      keygen.key("ca", type, ...options);
      keygen.key("k", type, ...options);
      const validity = ["-V", "20260101000000Z:20270101000000Z"];
      const named = ["-I", "the id", "-n", "alice,bob", "-z", "18446744073709551615"];
      keygen.run(["-q", "-s", "ca", ...named, ...validity, "-O", "critical:rights@nixseal={}", "k.pub"]);
      const { certificate: made } = parseCertificateLine(keygen.text("k-cert.pub"));
      assert.equal(made.keyId, "the id");
      assert.deepEqual(made.principals, ["alice", "bob"]);
      assert.equal(made.serial, 2n ** 64n - 1n);
      assert.equal(made.validBefore, BigInt(Date.UTC(2027, 0, 1) / 1000));
      assert.deepEqual(
        made.criticalOptions.map((option) => [option.name, optionText(option)]),
        [["rights@nixseal", "{}"]],
      );
      assert.ok(made.extensions.some(({ name }) => name === "permit-pty"));
      const listed = keygen.run(["-L", "-f", "k-cert.pub"]);
      assert.ok(listed.includes(made.key.fingerprint) && listed.includes(made.caKey.fingerprint));
      assert.equal(checkCertificate(made, { now, principal: "bob" })?.code, "critical-option");
      const understands = ["rights@nixseal"];
      assert.equal(checkCertificate(made, { now, principal: "bob", understands }), null);
    });
  }

  test("ssh-keygen -L reads what the tests make", (t) => {
    const keygen = new Keygen(t);
    const fields = { ...basic, critical: [["force-command", "ls"]] as const };
    const line = `ssh-ed25519-cert-v01@openssh.com ${Buffer.from(certificateBlob(fields)).toString("base64")}\n`;
    keygen.write("k-cert.pub", line);
    assert.match(keygen.run(["-L", "-f", "k-cert.pub"]), /force-command ls/);
  });

  test("a CA's SHA-1 signature is refused", (t) => {
    const keygen = new Keygen(t);
    keygen.key("ca", "rsa", "-b", "2048");
    keygen.key("k");
    keygen.run(["-q", "-t", "ssh-rsa", "-s", "ca", "-I", "id", "-n", "alice", "k.pub"]);
    const { certificate: made } = parseCertificateLine(keygen.text("k-cert.pub"));
    assert.equal(checkCertificate(made, { now, principal: "alice" })?.code, "ca-signature");
  });
});

test("validity: after ≤ now < before", () => {
  assert.equal(codeOf({ ...basic, validAfter: seconds }), "accepted");
  assert.equal(codeOf({ ...basic, validAfter: seconds + 1n }), "not-yet-valid");
  assert.equal(codeOf({ ...basic, validBefore: seconds }), "expired");
  assert.equal(codeOf({ ...basic, validBefore: seconds + 1n }), "accepted");
  assert.equal(
    codeOf({ ...basic, validBefore: seconds + 1n }, { now: new Date(now.getTime() + 999) }),
    "accepted",
  );
});

test("principals: exact, not empty, and no pattern anywhere", () => {
  assert.equal(codeOf({ ...basic, principals: ["bob", "alice"] }), "accepted");
  for (const principals of [[], ["bob"], ["Alice"], ["alice", "al*"], ["alice", "a?"], ["alice", "!bob"]]) {
    assert.equal(codeOf({ ...basic, principals }), "principal", principals.join());
  }
  assert.equal(codeOf({ ...basic, principals: [] }, { principal: undefined }), "principal");
  for (const odd of ["", "a b", "a,b", "a\nb"])
    assert.equal(codeOf({ ...basic, principals: ["alice", odd] }), "principal");
});

test("kind, options and key", () => {
  assert.equal(codeOf({ ...basic, kind: 2 }), "certificate-type");
  assert.throws(() => certificate({ ...basic, kind: 3 }), { code: "malformed" });
  for (const name of ["force-command", "source-address", "unknown@example.org"]) {
    assert.equal(codeOf({ ...basic, critical: [[name, "x"]] }), "critical-option", name);
  }
  assert.equal(
    codeOf({ ...basic, critical: [["a@example.org", "x"]] }, { understands: ["a@example.org"] }),
    "accepted",
  );
  // Even a caller that claims to cannot enforce these.
  assert.equal(
    codeOf({ ...basic, critical: [["force-command", "x"]] }, { understands: ["force-command"] }),
    "critical-option",
  );
  assert.equal(codeOf({ ...basic, critical: [["verify-required", null]] }), "accepted");
  assert.equal(codeOf({ ...basic, extensions: [["unknown@example.org", "x"]] }), "accepted");
  const neutral = ed25519PublicKey(Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0)));
  assert.equal(codeOf({ ...basic, key: neutral }), "weak-key");
  assert.equal(codeOf({ key: authenticator(4, 1).identity, ca }), "accepted");
});

test("signed by another, or by nobody", () => {
  const foreign = certificate({ ...basic, ca: fixedKey(9) });
  const forged = { ...foreign, caKey: ca.publicKey };
  assert.equal(checkCertificate(forged, { now, principal: "alice" })?.code, "ca-signature");
  assert.throws(() => codeOf({ ...basic, signature: new Uint8Array() }), { code: "malformed" });
});

test("repeated or unsorted options, a used reserved field and trailing bytes are malformed", () => {
  const bad = [
    {
      ...basic,
      critical: [
        ["b@x", "1"],
        ["a@x", "2"],
      ] as const,
    },
    {
      ...basic,
      critical: [
        ["a@x", "1"],
        ["a@x", "2"],
      ] as const,
    },
    {
      ...basic,
      extensions: [
        ["b@x", null],
        ["a@x", null],
      ] as const,
    },
    { ...basic, reserved: "x" },
  ];
  for (const fields of bad) assert.throws(() => certificate(fields), { code: "malformed" });
  const blob = certificateBlob(basic);
  const line = `ssh-rsa-cert-v01@openssh.com ${Buffer.from(blob).toString("base64")}`;
  assert.throws(() => parseCertificateLine(line), { code: "malformed" });
  assert.throws(() => parseCertificate(Buffer.concat([blob, Buffer.of(0)])), { code: "malformed" });
  const many = Array.from({ length: 257 }, (_, i) => `p${i}`);
  assert.throws(() => certificate({ ...basic, principals: many }), { code: "limit" });
});

test("no changed, missing or added byte is accepted", () => {
  const blob = certificateBlob({
    ...basic,
    critical: [["verify-required", null]],
    extensions: [["permit-pty", null]],
  });
  const decide = (bytes: Uint8Array) => {
    try {
      return checkCertificate(parseCertificate(bytes), { now, principal: "alice" })?.code ?? "accepted";
    } catch (error) {
      assert.ok(error instanceof NixsealError, String(error));
      return error.code;
    }
  };
  assert.equal(decide(blob), "accepted");
  for (let at = 0; at < blob.length; at++) {
    assert.notEqual(decide(blob.subarray(0, at)), "accepted");
    for (const bits of [1, 0x80, 0xff]) {
      const changed = Uint8Array.from(blob);
      changed[at]! ^= bits;
      assert.notEqual(decide(changed), "accepted", `byte ${at}`);
    }
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => assert.notEqual(decide(bytes), "accepted")),
  );
});
