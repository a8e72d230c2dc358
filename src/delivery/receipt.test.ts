import assert from "node:assert/strict";
import { test } from "node:test";
import { Keygen } from "../../test/support/ssh-keygen.ts";
import { base64, utf8 } from "../core/bytes.ts";
import { canonicalJson } from "../core/canonical-json.ts";
import { receiptNamespace } from "../gate/activate/receipt.ts";
import { parsePublicKeyLine } from "../ssh/public-key-line.ts";
import { openReceipt } from "./receipt.ts";

test("whoever brings a receipt can add nothing to it: the log would take it for another one", (t) => {
  const keygen = new Keygen(t);
  for (const name of ["host", "stranger"]) keygen.key(name);
  const payload = canonicalJson({
    fleet: "f",
    host: "web",
    warrant: null,
    seq: null,
    outcome: "activated",
    reason: null,
    toplevel: "/nix/store/x",
    running: null,
    ended: "2026-11-22T07:00:00Z",
    log: null,
  });
  keygen.write("payload", payload);
  const sign = (key: string): string =>
    keygen.run(["-q", "-Y", "sign", "-f", key, "-n", receiptNamespace], payload);
  const { key } = parsePublicKeyLine(keygen.text("host.pub").trim());
  const open = (...signatures: string[]) =>
    openReceipt(utf8(`${canonicalJson({ payload: base64(utf8(payload)), signatures })}\n`), "f", () => [key]);
  const [own, strange] = [sign("host"), sign("stranger")];
  assert.equal(open(own).outcome, "activated");
  for (const signatures of [[], [strange], [own, strange], [strange, own], [own, own]])
    assert.throws(() => open(...signatures), { code: "refused" }, String(signatures.length));
});
