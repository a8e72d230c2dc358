import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { parseRecord } from "../../src/secrets/store/record.ts";
import { attempt, run } from "../e2e/command.ts";
import { testFleet, type TestFleet } from "../support/fleet.ts";
import { ext4 } from "./root-image.ts";

export const secretCount = 50;

const names = Array.from({ length: secretCount }, (_, index) => `secret-${index}`);
const valueOf = (name: string): string => `value of ${name}`;

/** The value of secret-0. */
export const firstValue = valueOf("secret-0");

/** A value that a test may set instead, in a file of that name in HOME. */
export const newValue = "value that was set later";

/** What must be true of a fleet's directory after a power cut, and what was found. */
export interface Recovered {
  /** Secrets that bob reads too, who became a member just before. */
  readonly renewed: number;
  /** The inventory, as text. */
  readonly inventory: string;
}

/**
 * A git repository with fifty secrets for alice and the host web. Then bob becomes a member: the next rekey has every
 * secret to change.
 */
export class FleetDisk {
  /** An ext4 file system with `fleet` and `home`. */
  readonly image: string;
  readonly fleet: TestFleet;
  readonly #readable = new Map<string, Promise<boolean>>();

  private constructor(image: string, fleet: TestFleet) {
    this.image = image;
    this.fleet = fleet;
  }

  static async make(t: TestContext, image: string): Promise<FleetDisk> {
    const fleet = testFleet(t, names.map((name) => `[secrets.${name}]\nhosts = ["web"]\n\n`).join(""));
    mkdirSync(fleet.file("secrets"));
    const to = ["alice", "web"].flatMap((name) => ["--recipient", fleet.publicKey(name)]);
    for (const name of names)
      await run(["age", "--armor", ...to, "--output", fleet.file(`secrets/${name}.age`)], {
        input: valueOf(name),
      });
    succeeds(fleet, ["secrets", "rekey", "--all"]);
    const git = ["git", "-C", fleet.directory, "-c", "user.name=a", "-c", "user.email=a@example.org"];
    await run([...git, "init", "--quiet"]);
    await run([...git, "add", "--all"]);
    await run([...git, "commit", "--quiet", "--message=fleet"]);
    succeeds(fleet, ["member", "add", "bob", "--key", `${fleet.key("bob")}.pub`]);
    writeFileSync(join(dirname(fleet.directory), "home/new-value"), newValue);
    await ext4(image, dirname(fleet.directory), "24M");
    return new FleetDisk(image, fleet);
  }

  /** What is on a disk, after its journal was replayed, given to `look` as a directory. */
  async open<T>(image: string, look: (directory: string) => Promise<T>): Promise<T> {
    const directory = mkdtempSync(`${image}-`);
    try {
      // 0: nothing to do; 1: the journal was replayed. Everything else is a broken file system.
      const { code, stdout } = await attempt(["e2fsck", "-p", image]);
      assert.ok(code <= 1, `e2fsck: ${stdout}`);
      await run(["debugfs", "-R", `rdump /fleet ${directory}`, image]);
      return await look(join(directory, "fleet"));
    } finally {
      rmSync(directory, { recursive: true });
    }
  }

  /** Fails unless every file is whole, decrypts to its value and is described by nothing but a true or an older record. `first` are the values that secret-0 may have. */
  async check(directory: string, ...first: readonly string[]): Promise<Recovered> {
    const files = readdirSync(join(directory, "secrets")).filter((name) => !/^\..*\.tmp$/.test(name));
    assert.deepEqual(files.sort(), names.flatMap((name) => [`${name}.age`, `${name}.json`]).sort());
    let renewed = 0;
    for (const name of names) {
      const file = join(directory, "secrets", `${name}.age`);
      const values = name === "secret-0" && first.length > 0 ? first : [valueOf(name)];
      assert.ok(await this.#reads("alice", file, values), `${name}.age does not decrypt to its value`);
      const forBob = await this.#reads("bob", file, values);
      if (forBob) renewed++;
      const record = parseRecord(readFileSync(join(directory, "secrets", `${name}.json`)), `${name}.json`);
      if (record.digest === digest(file))
        assert.equal("member:bob" in record.recipients, forBob, `${name}.json tells an untruth`);
    }
    return { renewed, inventory: readFileSync(join(directory, "fleet.toml"), "utf8") };
  }

  /** A second run finishes what was begun. Temporary files are a finding of the check, with the hint to remove them. */
  finish(directory: string): void {
    for (const name of readdirSync(join(directory, "secrets")))
      if (/^\..*\.tmp$/.test(name)) rmSync(join(directory, "secrets", name));
    succeeds(this.fleet, ["secrets", "rekey", "--all", "--fleet", directory]);
    succeeds(this.fleet, ["secrets", "check", "--fleet", directory]);
  }

  /** By the stock program, once for each ciphertext. */
  #reads(member: string, file: string, values: readonly string[]): Promise<boolean> {
    const key = `${member} ${digest(file)} ${values.join("\n")}`;
    const asked = this.#readable.get(key) ?? this.#decrypts(member, file, values);
    this.#readable.set(key, asked);
    return asked;
  }

  async #decrypts(member: string, file: string, values: readonly string[]): Promise<boolean> {
    const { code, stdout } = await attempt(["age", "--decrypt", "--identity", this.fleet.key(member), file]);
    return code === 0 && values.includes(stdout);
  }
}

function digest(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}

function succeeds(fleet: TestFleet, words: readonly string[]): void {
  const { code, stdout, stderr } = fleet.run(words);
  assert.equal(code, 0, `${words.join(" ")}\n${stdout}${stderr}`);
}
