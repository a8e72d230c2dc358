import assert from "node:assert/strict";
import { suite, test } from "node:test";
import * as fc from "fast-check";
import { certificate, fixedKey } from "../../test/support/ssh-artifacts.ts";
import { Keygen } from "../../test/support/ssh-keygen.ts";
import { concat, utf8 } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import { parseCertificateLine } from "./certificate.ts";
import { parseKrl } from "./krl.ts";
import { formatPublicKey, parsePublicKeyLine } from "./public-key-line.ts";
import { parseRevocations } from "./revocation-file.ts";
import { revocationOf } from "./revocations.ts";
import { mpint, string, u32, u64, u8 } from "./wire.ts";

/** A CA, and certificates with these serials: SERIAL-cert.pub, key id "id SERIAL". */
function withCertificates(keygen: Keygen, serials: readonly string[]): void {
  keygen.key("ca");
  keygen.key("other-ca");
  for (const serial of serials) {
    keygen.key(serial);
    keygen.run(["-q", "-s", "ca", "-I", `id ${serial}`, "-n", "a", "-z", serial, `${serial}.pub`]);
  }
}

/** Both must say the same of each file. */
function assertSame(keygen: Keygen, krl: string, files: readonly string[]): string[] {
  const revocations = parseRevocations(keygen.read(krl));
  return files.filter((file) => {
    const line = keygen.text(file);
    const subject = file.endsWith("-cert.pub")
      ? parseCertificateLine(line).certificate
      : parsePublicKeyLine(line).key;
    const revoked = revocationOf(revocations, subject) !== null;
    assert.equal(keygen.try(["-Q", "-f", krl, file]).code !== 0, revoked, file);
    return revoked;
  });
}

suite("KRLs of ssh-keygen -k", () => {
  test("serials: list, range, bitmap, of one CA or of another", (t) => {
    const keygen = new Keygen(t);
    const serials = ["0", "1", "5", "6", "7", "40", "1000", "1001", "9000000000", "18446744073709551615"];
    withCertificates(keygen, serials);
    const files = serials.map((serial) => `${serial}-cert.pub`);
    keygen.write(
      "spec",
      "serial: 1\nserial: 5\nserial: 7\nserial: 40\nserial: 1000-5000000000\nserial: 18446744073709551615\n",
    );
    keygen.run(["-q", "-k", "-f", "krl", "-s", "ca.pub", "-z", "42", "spec"]);
    const revoked = assertSame(keygen, "krl", files);
    assert.deepEqual(
      revoked,
      ["1", "5", "7", "40", "1000", "1001", "18446744073709551615"].map((s) => `${s}-cert.pub`),
    );
    assert.equal(parseKrl(keygen.read("krl")).version, 42n);
    keygen.run(["-q", "-k", "-f", "foreign", "-s", "other-ca.pub", "spec"]);
    assert.deepEqual(assertSame(keygen, "foreign", files), []);
  });

  test("keys, fingerprints, key ids, and the CA's own key", (t) => {
    const keygen = new Keygen(t);
    withCertificates(keygen, ["1", "2", "3", "4"]);
    const files = ["1", "2", "3", "4"].flatMap((serial) => [`${serial}.pub`, `${serial}-cert.pub`]);
    const spec = (name: string, lines: string) => {
      keygen.write("spec", lines);
      keygen.run(["-q", "-k", "-f", name, "-s", "ca.pub", "spec"]);
    };
    spec("key", `key: ${keygen.text("1.pub")}`);
    assert.deepEqual(assertSame(keygen, "key", files), ["1.pub", "1-cert.pub"]);
    spec("sha256", `sha256: ${keygen.text("2.pub")}sha256: ${keygen.text("3.pub")}`);
    assert.deepEqual(assertSame(keygen, "sha256", files), ["2.pub", "2-cert.pub", "3.pub", "3-cert.pub"]);
    spec("sha1", `sha1: ${keygen.text("3.pub")}sha1: ${keygen.text("4.pub")}`);
    assert.deepEqual(assertSame(keygen, "sha1", files), ["3.pub", "3-cert.pub", "4.pub", "4-cert.pub"]);
    spec("hash", `hash: ${keygen.run(["-l", "-f", "4.pub"]).split(" ")[1]}\n`);
    assert.deepEqual(assertSame(keygen, "hash", files), ["4.pub", "4-cert.pub"]);
    spec("id", "id: id 2\nid: id 3\n");
    assert.deepEqual(assertSame(keygen, "id", files), ["2-cert.pub", "3-cert.pub"]);
    keygen.run(["-q", "-k", "-f", "ca-key", "ca.pub"]);
    assert.deepEqual(
      assertSame(keygen, "ca-key", files),
      files.filter((file) => file.includes("cert")),
    );
    keygen.write("empty", "");
    keygen.run(["-q", "-k", "-f", "none", "empty"]);
    assert.deepEqual(assertSame(keygen, "none", files), []);
    keygen.run(["-q", "-k", "-f", "all-ca", "-s", "NONE", keygen.write("wild", "id: id 1\n")]);
    assert.deepEqual(assertSame(keygen, "all-ca", files), ["1-cert.pub"]);
  });

  test("a changed byte makes us no laxer than ssh-keygen -Q", (t) => {
    const keygen = new Keygen(t);
    withCertificates(keygen, ["5"]);
    keygen.write(
      "spec",
      `serial: 3\nserial: 5\nserial: 9-12\nid: id 5\nkey: ${keygen.text("5.pub")}sha256: ${keygen.text("5.pub")}`,
    );
    keygen.run(["-q", "-k", "-f", "krl", "-s", "ca.pub", "spec"]);
    const krl = new Uint8Array(keygen.read("krl"));
    const { certificate: subject } = parseCertificateLine(keygen.text("5-cert.pub"));
    fc.assert(
      fc.property(fc.nat(krl.length - 1), fc.integer({ min: 1, max: 255 }), (at, bits) => {
        const changed = Uint8Array.from(krl);
        changed[at]! ^= bits;
        if (decide(changed, subject) !== "good") return;
        keygen.write("changed", changed);
        assert.equal(keygen.try(["-Q", "-f", "changed", "5-cert.pub"]).code, 0, `byte ${at}`);
      }),
      { numRuns: 300 },
    );
    for (let end = 0; end < krl.length; end++)
      assert.notEqual(decide(krl.subarray(0, end), subject), "crash");
  });
});

function decide(file: Uint8Array, subject: Parameters<typeof revocationOf>[1]): "revoked" | "good" | "error" {
  try {
    return revocationOf(parseRevocations(file), subject) === null ? "good" : "revoked";
  } catch (error) {
    assert.ok(error instanceof NixsealError, String(error));
    return "error";
  }
}

const header = concat(utf8("SSHKRL\n\0"), u32(1), u64(1n), u64(0n), u64(0n), string(""), string(""));
const section = (type: number, ...content: Uint8Array[]) =>
  concat(header, u8(type), string(concat(...content)));
const certificates = (type: number, ...content: Uint8Array[]) =>
  section(1, string(fixedKey(1).publicKey.blob), string(""), u8(type), string(concat(...content)));
const subject = (serial: bigint) => certificate({ key: fixedKey(2).publicKey, ca: fixedKey(1), serial });

test("bitmaps: each bit, the end of the numbers, and no wrap around", () => {
  const bits = mpint(Uint8Array.of(0x81, 0x02));
  const low = certificates(0x22, u64(100n), bits);
  for (const [serial, revoked] of [
    [99n, "good"],
    [100n, "good"],
    [101n, "revoked"],
    [108n, "revoked"],
    [115n, "revoked"],
    [116n, "good"],
  ] as const) {
    assert.equal(decide(low, subject(serial)), revoked, String(serial));
  }
  const top = 2n ** 64n - 16n;
  assert.equal(decide(certificates(0x22, u64(top), bits), subject(2n ** 64n - 1n)), "revoked");
  assert.throws(() => parseKrl(certificates(0x22, u64(top + 1n), bits)), { code: "malformed" });
  assert.throws(() => parseKrl(certificates(0x22, u64(0n), mpint(u8(1)))), { code: "malformed" });
  assert.throws(() => parseKrl(certificates(0x22, u64(1n), mpint(new Uint8Array(4000).fill(255)))), {
    code: "limit",
  });
});

test("what is not understood is refused, what is broken is malformed", () => {
  const hash = (byte: number, length = 32) => string(new Uint8Array(length).fill(byte));
  const extension = (critical: number) => [string("x@example.org"), u8(critical), string("")];
  const flags = concat(utf8("SSHKRL\n\0"), u32(1), u64(1n), u64(0n), u64(1n), string(""), string(""));
  for (const refused of [
    flags,
    section(9),
    certificates(0x24),
    section(255, ...extension(1)),
    certificates(0x39, ...extension(1)),
    concat(header, u8(4), string("key"), string("signature")),
  ]) {
    assert.throws(() => parseKrl(refused), { code: "refused" });
  }
  assert.throws(() => parseKrl(concat(header, u8(4))), { message: /signature inside/, hint: /-Y sign/ });
  parseKrl(section(255, ...extension(0)));
  for (const malformed of [
    concat(header, u8(0x20)),
    concat(utf8("SSHKRL\n\0"), u32(2)),
    section(5, hash(2), hash(1)),
    section(5, hash(1), hash(1)),
    section(5, hash(1, 20)),
    section(3, hash(1)),
    section(2),
    section(2, string(subject(1n).blob)),
    section(255, ...extension(2)),
    section(255, ...extension(0), u8(0)),
    section(1, string("junk"), string("")),
    section(1, string(""), string("x")),
    certificates(0x20),
    certificates(0x20, u64(0n)),
    certificates(0x20, u32(1)),
    certificates(0x21, u64(2n), u64(1n)),
    certificates(0x21, u64(0n), u64(1n)),
    certificates(0x21, u64(1n), u64(2n), u8(0)),
  ]) {
    assert.throws(() => parseKrl(malformed), { code: "malformed" });
  }
});

test("a list of keys: certificates stand for their keys, a broken line has its number", (t) => {
  const keygen = new Keygen(t);
  withCertificates(keygen, ["1", "2"]);
  keygen.write("list", `# gone\n\n${keygen.text("1-cert.pub")}`);
  assert.equal(parseRevocations(keygen.read("list")).version, null);
  const files = ["1.pub", "1-cert.pub", "2.pub", "2-cert.pub"];
  const revocations = parseRevocations(keygen.read("list"));
  const revoked = files.filter((file) => {
    const line = keygen.text(file);
    const one = file.includes("cert") ? parseCertificateLine(line).certificate : parsePublicKeyLine(line).key;
    return revocationOf(revocations, one) !== null;
  });
  assert.deepEqual(revoked, ["1.pub", "1-cert.pub"]);
  const key = formatPublicKey(fixedKey(1).publicKey);
  assert.throws(() => parseRevocations(utf8(`${key}\nssh-ed25519 AAAA\n`)), {
    code: "malformed",
    where: { line: 2 },
  });
  assert.throws(() => parseRevocations(Uint8Array.of(0xff, 0xfe)), { code: "malformed" });
  assert.throws(() => parseRevocations(new Uint8Array(17 << 20)), { code: "limit" });
});
