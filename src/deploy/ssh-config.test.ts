/** By what stock ssh makes of it (`ssh -G`, which connects to nothing). */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../test/support/temporary.ts";
import { configFor } from "./ssh-config.ts";

const options = [
  ..."-T -p 2222 -l deploy -i /keys/a -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes".split(" "),
  "-o",
  "UserKnownHostsFile=/run/a b/known_hosts",
  "-o",
  "HostKeyAlias=nixseal.web",
];

test("what is said of the host holds for it, and for nobody else that the same program connects to", (t) => {
  const file = join(temporaryDirectory(t), "config");
  writeFileSync(file, configFor({ user: "deploy", name: "127.0.0.1" }, options));
  const effective = (destination: string): Map<string, string> => {
    const { stdout, stderr, status } = spawnSync("ssh", ["-G", "-F", file, destination], {
      encoding: "utf8",
    });
    assert.equal(status, 0, stderr);
    return new Map(
      stdout.split("\n").map((line) => [line.split(" ")[0]!, line.slice(line.indexOf(" ") + 1)]),
    );
  };
  const target = effective("deploy@127.0.0.1");
  for (const [name, value] of [
    ["port", "2222"],
    ["user", "deploy"],
    ["identityfile", "/keys/a"],
    ["identitiesonly", "yes"],
    ["hostkeyalias", "nixseal.web"],
    ["userknownhostsfile", "/run/a b/known_hosts"],
  ] as const)
    assert.equal(target.get(name), value, name);
  assert.match(target.get("stricthostkeychecking")!, /^(?:yes|true)$/);
  for (const other of ["alice@127.0.0.1", "deploy@builder", "127.0.0.2"])
    assert.equal(effective(other).get("hostkeyalias"), undefined, other);
});

test("what would be another line is none", () => {
  for (const value of ["a\nb", 'a"b', "a\\b"])
    assert.throws(() => configFor({ user: "u", name: "h" }, ["-o", `X=${value}`]), { code: "bug" });
});
