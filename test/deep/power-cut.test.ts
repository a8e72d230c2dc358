import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { copyFileSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { temporaryDirectory } from "../support/temporary.ts";
import { FleetDisk, firstValue, newValue, secretCount } from "./fleet-disk.ts";
import { data, nixsealThere, startWithFleet, syncSomethingElse } from "./fleet-machine.ts";
import { rootImage } from "./root-image.ts";
import { diskAfter, readWriteLog, type Survives } from "./write-log.ts";

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
      /does not decrypt/,
    );
  });

  await t.test("at every moment, also when the disk loses what it was not told to flush", async () => {
    const image = copy();
    const logFile = `${image}.log`;
    writeFileSync(logFile, "");
    const machine = await startWithFleet(directory, root, image, logFile);
    const entries = async (): Promise<number> => {
      await machine.run("sync");
      return readWriteLog(logFile).length;
    };
    // What is so before the first command, then after each.
    const stages = [{ entries: await entries(), renewed: 0, value: firstValue, host: "web" }];
    await machine.run(...nixsealThere(rekeyAll));
    stages.push({
      entries: readWriteLog(logFile).length,
      renewed: secretCount,
      value: firstValue,
      host: "web",
    });
    await machine.run(
      ...nixsealThere(["secrets", "set", "secret-0", "--from-file", `${data}/home/new-value`]),
    );
    stages.push({
      entries: readWriteLog(logFile).length,
      renewed: secretCount,
      value: newValue,
      host: "web",
    });
    await machine.run(...nixsealThere(["host", "rename", "web", "www"]));
    stages.push({
      entries: readWriteLog(logFile).length,
      renewed: secretCount,
      value: newValue,
      host: "www",
    });
    await machine.cut();

    const log = readWriteLog(logFile);
    const before = readFileSync(disk.image);
    const inventories = { web: inventory, www: "" };
    inventories.www = await disk.open(image, async (fleet) => (await disk.check(fleet, newValue)).inventory);
    assert.match(inventories.www, /^\[hosts\.www\]$/m);
    let looked = 0;
    for (const [index, to] of stages.entries()) {
      const from = stages[index - 1] ?? to;
      for (const count of moments(from.entries, to.entries))
        for (const survives of [nothing, someOf(count)]) {
          writeFileSync(image, diskAfter(before, log, count, survives));
          const where = `after ${count} of ${log.length} writes`;
          await disk.open(image, async (fleet) => {
            const ended = count === to.entries;
            const found = await disk.check(fleet, ...(ended ? [to.value] : [from.value, to.value]));
            const texts = (ended ? [to] : [from, to]).map(({ host }) => inventories[host as "web" | "www"]);
            assert.ok(texts.includes(found.inventory), `fleet.toml ${where}`);
            // What a command said it did is there from then on.
            if (ended || from.renewed === to.renewed) assert.equal(found.renewed, to.renewed, where);
            if (looked++ % 20 === 0) disk.finish(fleet);
          });
        }
    }
    t.diagnostic(`looked at ${looked} disks of ${log.length} writes`);
  });
});

const nothing: Survives = () => false;

/** Half of the writes, always the same for one moment. */
function someOf(moment: number): Survives {
  return ({ offset }) => (createHash("sha256").update(`${moment} ${offset}`).digest()[0]! & 1) === 1;
}

/** Sixty numbers of entries between two, or all; always the last. */
function moments(from: number, to: number): number[] {
  const step = Math.max(1, Math.floor((to - from) / 60));
  const between = Array.from(
    { length: Math.ceil((to - from) / step) },
    (_, index) => from + 1 + index * step,
  );
  return [...new Set([...between.filter((count) => count < to), to])];
}
