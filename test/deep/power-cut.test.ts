import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { temporaryDirectory } from "../support/temporary.ts";
import { FleetDisk, newValue, secretCount } from "./fleet-disk.ts";
import { data, nixsealThere, startWithFleet, syncSomethingElse } from "./fleet-machine.ts";
import { rootImage } from "./root-image.ts";

const rekeyAll = ["secrets", "rekey", "--all"];

/** A root disk and a fleet's disk, made once for all tests of this file. */
async function disks(t: TestContext): Promise<{ directory: string; root: string; disk: FleetDisk }> {
  const directory = temporaryDirectory(t, "/run");
  const root = join(directory, "root.img");
  await rootImage(root, { directory: join(directory, "root"), name: "operator" });
  return { directory, root, disk: await FleetDisk.make(t, join(directory, "fleet.img")) };
}

test("power cuts", async (t) => {
  const { directory, root, disk } = await disks(t);
  const copy = (): string => {
    const image = join(mkdtempSync(join(directory, "disk-")), "image");
    copyFileSync(disk.image, image);
    return image;
  };
  const inventory = readFileSync(disk.fleet.file("fleet.toml"), "utf8");

  for (const done of [1, secretCount / 2])
    await t.test(
      `when rekey had said ${done} of ${secretCount}: nothing is broken, a second run finishes`,
      async () => {
        const image = copy();
        const machine = await startWithFleet(directory, root, image);
        const moment = (line: string): boolean => line.includes(`"done":${done},`);
        const end = await machine.attempt(nixsealThere([...rekeyAll, "--events"]), moment);
        assert.equal(end, undefined, `rekey ended before the power was cut: ${end?.output}`);

        const looked = copy();
        copyFileSync(image, looked);
        const found = await disk.open(looked, (fleet) => disk.check(fleet));
        assert.equal(found.inventory, inventory);

        const again = await startWithFleet(directory, root, image);
        await again.run(...nixsealThere(rekeyAll));
        await again.run("find", `${data}/fleet/secrets`, "-name", ".*.tmp", "-delete");
        await again.run(...nixsealThere(["secrets", "check"]));
        await again.cut();
        assert.equal((await disk.open(image, (fleet) => disk.check(fleet))).renewed, secretCount);
      },
    );

  await t.test("the same harness sees broken files when fsync is taken away", async () => {
    const image = copy();
    const machine = await startWithFleet(directory, root, image);
    await machine.run(...nixsealThere(rekeyAll, false));
    await syncSomethingElse(machine);
    await machine.cut();
    await assert.rejects(
      disk.open(image, (fleet) => disk.check(fleet)),
      /does not decrypt|the record is not JSON|not an age file/,
    );
  });

  await t.test("what a command said it had done is there after the cut", async () => {
    const image = copy();
    const machine = await startWithFleet(directory, root, image);
    const value = `${data}/home/new-value`;
    await machine.run(...nixsealThere(["secrets", "set", "secret-0", "--from-file", value]));
    await machine.run(...nixsealThere(["host", "rename", "web", "www"]));
    await machine.cut();
    const found = await disk.open(image, (fleet) => disk.check(fleet, newValue));
    assert.match(found.inventory, /^\[hosts\.www\]$/m);
  });
});
