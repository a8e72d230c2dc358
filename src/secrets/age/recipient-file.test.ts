import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AgeTools, random } from "../../../test/support/age-tools.ts";
import { utf8 } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import { parseRecipient } from "./parse-recipient.ts";
import { parseRecipientFile } from "./recipient-file.ts";

const context = { random };

test("every kind, between comments and empty lines", async (t) => {
  const tools = new AgeTools(t);
  const lines = [
    tools.ageKey("age"),
    tools.sshKey("ed25519"),
    tools.sshKey("rsa", "rsa"),
    tools.sshKey("ec", "ecdsa"),
  ];
  const file = utf8(`# team\r\n\n${lines.join("\r\n")}\n`);
  const { recipients, ignored } = parseRecipientFile(file, "team", context);
  assert.equal(recipients.length, 3);
  assert.deepEqual(ignored, [{ type: "ecdsa-sha2-nistp256", line: 6 }]);
});

test("a bad line is named", async (t) => {
  const tools = new AgeTools(t);
  const good = tools.ageKey("age");
  const short = new AgeTools(t);
  short.run("ssh-keygen", ["-q", "-t", "rsa", "-b", "1024", "-N", "", "-f", "short"]);
  const cases = [
    [good.replace(/.$/, (last) => (last === "q" ? "p" : "q")), "malformed"],
    [good.toUpperCase(), "malformed"],
    ["ssh-ed25519 AAAA", "malformed"],
    [`from="10.0.0.1" ${tools.sshKey("ed25519")}`, "malformed"],
    [short.text("short.pub"), "refused"],
    ["age1xyz1qqqq", "malformed"],
    ["hello", "malformed"],
  ] as const;
  for (const [line, code] of cases)
    assert.throws(
      () => parseRecipientFile(utf8(`${good}\n${line}\n`), "team", context),
      (error: unknown) =>
        error instanceof NixsealError &&
        error.code === code &&
        error.where?.file === "team" &&
        error.where.line === 2,
      line,
    );
});

test("no recipient, or too much of everything", async (t) => {
  const good = new AgeTools(t).ageKey("age");
  assert.throws(() => parseRecipientFile(utf8("# none\n"), "team", context), { code: "malformed" });
  assert.throws(() => parseRecipientFile(utf8("a".repeat((16 << 20) + 1)), "team", context), {
    code: "limit",
  });
  assert.throws(() => parseRecipientFile(utf8("age1".repeat(20_000)), "team", context), { code: "limit" });
  assert.throws(() => parseRecipientFile(utf8(`${good}\n`.repeat(8193)), "team", context), { code: "limit" });
});

test("an identity in the place of a recipient says so", () => {
  assert.throws(() => parseRecipient("AGE-SECRET-KEY-1QQQQ", context), {
    code: "malformed",
    message: /identity/,
  });
});

test("fuzz: an error of ours or recipients", () =>
  fc.assert(
    fc.property(
      fc.constantFrom("age1", "age1pq1", "ssh-ed25519 ", "ssh-rsa AAAAB3NzaC1yc2E", ""),
      fc.string({ maxLength: 200 }),
      (start, text) => assert.throws(() => parseRecipient(start + text, context), NixsealError),
    ),
    { numRuns: 1000 },
  ));
