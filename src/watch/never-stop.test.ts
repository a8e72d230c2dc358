import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { neverStopped } from "./never-stop.ts";

test("the ways in and systemd's own are always on the list", () => {
  const listed = neverStopped([]);
  for (const unit of [
    "sshd.service",
    "sshd@1-2-3.service",
    "sshd.socket",
    "systemd-logind.service",
    "user@1000.service",
    "getty@tty1.service",
    "dbus-broker.service",
    "nixseal-watch.service",
    "nix-daemon.socket",
    "multi-user.target",
    "home.mount",
  ])
    assert.ok(listed(unit), unit);
  for (const unit of [
    "nginx.service",
    "xsshd.service",
    "systemdx.service",
    "postgresql.service",
    "web.target",
  ])
    assert.ok(!listed(unit), unit);
});

test("a pattern means what a regular expression of it means", () => {
  const piece = fc.constantFrom("a", "b", ".", "*", "\\", "@");
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 8 }),
      fc.array(fc.constantFrom("a", "b", ".", "\\", "@"), { maxLength: 8 }),
      (pattern, name) => {
        const expression = pattern
          .map((one) => (one === "*" ? ".*" : `\\${one}`.replace(/^\\([ab@])$/, "$1")))
          .join("");
        assert.equal(
          neverStopped([pattern.join("")])(name.join("")),
          new RegExp(`^${expression}$`).test(name.join("")),
        );
      },
    ),
  );
});

test("a pattern of many stars costs nothing", () => {
  assert.ok(!neverStopped([`${"*a".repeat(120)}!`])(`${"a".repeat(200)}.service`));
});
