import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { keys, later, rootOf, start } from "../../../test/support/roots.ts";
import {
  authenticator,
  certificate,
  certificateBlob,
  type CertificateFields,
} from "../../../test/support/ssh-artifacts.ts";
import { concat, utf8 } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import { parseCertificate } from "../../ssh/certificate.ts";
import { parseRevocations } from "../../ssh/revocation-file.ts";
import { string } from "../../ssh/wire.ts";
import { formatPublicKey } from "../../ssh/public-key-line.ts";
import { decideRight, type RightPolicy, type RightQuestion } from "./decide.ts";

const [ca, alice, stranger] = [keys[7]!, keys[2]!, keys[3]!];
const seconds = (date: Date): bigint => BigInt(date.getTime() / 1000);
const rights = (more = ""): string =>
  `{"v":1,"rights":["upload","activate"],"hosts":["tag:web","!db"]${more}}`;
const fields: CertificateFields = {
  key: alice.publicKey,
  ca,
  validAfter: seconds(start),
  validBefore: seconds(later(1)),
  critical: [["rights@nixseal", rights()]],
};
const web = { name: "web1", labels: ["web"] };
const policy: RightPolicy = { root: rootOf(), revocations: null, now: start };

function verdict(
  changed: Partial<CertificateFields> = {},
  question: Partial<RightQuestion> = {},
  under: Partial<RightPolicy> = {},
): string {
  const asked = {
    certificate: certificate({ ...fields, ...changed }),
    right: "upload",
    host: web,
    ...question,
  } as const;
  const decision = decideRight(asked, { ...policy, ...under });
  return decision.accepted ? decision.principal : decision.code;
}

test("a right on a host, to the second", () => {
  assert.equal(verdict(), "alice");
  assert.equal(verdict({}, { right: "commit" }), "right");
  assert.equal(verdict({}, { host: { name: "mail", labels: ["prod"] } }), "host");
  assert.equal(verdict({}, { host: { name: "db", labels: ["web"] } }), "host");
  assert.equal(verdict({}, { host: null }), "alice");
  assert.equal(verdict({}, {}, { now: new Date(start.getTime() - 1000) }), "not-yet-valid");
  assert.equal(verdict({}, {}, { now: later(1) }), "expired");
});

test("only a CA of the root, and only while the root holds", () => {
  assert.equal(verdict({ ca: stranger }), "unknown-ca");
  assert.equal(verdict({ ca: keys[0]! }), "unknown-ca"); // a root key is no CA key
  assert.equal(
    verdict({ signature: concat(string("ssh-ed25519"), string(new Uint8Array(64))) }),
    "ca-signature",
  );
  assert.equal(verdict({}, {}, { root: rootOf({ expires: start }) }), "root-expired");
});

test("a login certificate gives nothing, nor one with demands that nobody enforces", () => {
  assert.equal(verdict({ critical: [] }), "rights");
  assert.equal(
    verdict({
      critical: [
        ["force-command", "x"],
        ["rights@nixseal", rights()],
      ],
    }),
    "critical-option",
  );
  assert.equal(
    verdict({
      critical: [
        ["other@example.org", "x"],
        ["rights@nixseal", rights()],
      ],
    }),
    "critical-option",
  );
  assert.equal(verdict({ critical: [["rights@nixseal", null]] }), "rights");
  assert.equal(verdict({ critical: [["rights@nixseal", "{}"]] }), "rights");
  assert.equal(verdict({ critical: [], extensions: [["rights@nixseal", rights()]] }), "rights");
  assert.equal(verdict({ kind: 2 }), "certificate-type");
});

test("exactly one member is named, by a name", () => {
  assert.equal(verdict({ principals: [] }), "principal");
  assert.equal(verdict({ principals: ["alice", "bob"] }), "principal");
  assert.equal(verdict({ principals: ["*"] }), "principal");
});

test("revoked by serial, key, or the CA's key", () => {
  const list = (key: string) => parseRevocations(utf8(`${key}\n`));
  assert.equal(verdict({}, {}, { revocations: list(formatPublicKey(alice.publicKey)) }), "revoked");
  assert.equal(verdict({}, {}, { revocations: list(formatPublicKey(ca.publicKey)) }), "revoked");
  assert.equal(verdict({}, {}, { revocations: list(formatPublicKey(stranger.publicKey)) }), "alice");
});

test("limits that the certificate names", () => {
  const small = { critical: [["rights@nixseal", rights(',"maxClosureBytes":1000')]] as const };
  assert.equal(verdict(small, { closureBytes: 1000 }), "alice");
  assert.equal(verdict(small, { closureBytes: 1001 }), "closure-size");
  const touched = { critical: [["rights@nixseal", rights(',"touch":"uv"')]] as const };
  assert.equal(verdict(touched), "touch");
  const token = certificate({ ...fields, ...touched, key: authenticator(9, 5).identity });
  const decision = decideRight({ certificate: token, right: "upload", host: web }, policy);
  assert.ok(decision.accepted && decision.userVerification);
});

test("no single changed byte of a certificate gives a right", () => {
  const decide = (blob: Uint8Array): boolean => {
    try {
      return decideRight({ certificate: parseCertificate(blob), right: "upload", host: web }, policy)
        .accepted;
    } catch (error) {
      if (error instanceof NixsealError && error.code !== "bug") return false;
      throw error;
    }
  };
  const good = certificateBlob(fields);
  const elsewhere = certificateBlob({
    ...fields,
    critical: [["rights@nixseal", rights().replace("web", "wec")]],
  });
  assert.ok(decide(good) && !decide(elsewhere));
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), (place, flip) => {
      for (const blob of [good, elsewhere]) {
        const changed = Uint8Array.from(blob);
        changed[place % blob.length]! ^= flip;
        assert.equal(decide(changed), false);
      }
    }),
    { numRuns: 1500 },
  );
});
