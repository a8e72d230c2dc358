import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../test/support/temporary.ts";
import { files } from "../system/files.ts";
import { checkFleet } from "./check.ts";

test("what others may write or read is found, with the command that repairs it", async (context) => {
  const directory = temporaryDirectory(context);
  const identity = join(directory, "identity");
  const fleet = join(directory, "fleet.toml");
  writeFileSync(fleet, `[hosts.a]\nrecipients = ["age1tpm1qqqqqqqqqq"]\nidentities = ["${identity}"]\n`);
  writeFileSync(identity, "", { mode: 0o600 });
  mkdirSync(join(directory, "secrets"));
  assert.deepEqual((await checkFleet(files, directory)).findings, []);

  chmodSync(identity, 0o640);
  chmodSync(join(directory, "secrets"), 0o775);
  chmodSync(fleet, 0o646);
  const { findings } = await checkFleet(files, directory);
  assert.deepEqual(
    findings
      .map(({ id, file, line, hint }) => [id, file, line, hint])
      .sort((a, b) => (String(a[3]) < String(b[3]) ? -1 : 1)),
    [
      ["permissions", "secrets", undefined, `chmod go-w ${directory}/secrets`],
      ["permissions", "fleet.toml", 3, `chmod go= ${identity}`],
      ["permissions", "fleet.toml", undefined, `chmod o-w ${fleet}`],
    ],
  );
});

test("TOML that Nix cannot read is found", async (context) => {
  const directory = temporaryDirectory(context);
  writeFileSync(
    join(directory, "fleet.toml"),
    '[secrets.s]\ncredential = {\n  unit = "a.service", name = "n" }\nreaders = []\n',
  );
  const { findings } = await checkFleet(files, directory);
  assert.deepEqual(
    findings.map(({ id, line }) => `${id} ${line}`),
    ["no-reader 1", "toml-version 3"],
  );
});
