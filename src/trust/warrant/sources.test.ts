import assert from "node:assert/strict";
import { cpSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { StockNix } from "../../../test/support/stock-nix.ts";
import { files } from "../../system/files.ts";
import { processes } from "../../system/processes.ts";
import { parsePublicKey, type PublicKey } from "../../nix/signing-key.ts";
import { digestOf, parseStorePath, type StorePath } from "../../nix/store-path.ts";
import { closureFromCache } from "./binary-cache.ts";
import { claimOf, type Closure } from "./closure.ts";
import { closureFromStore, closuresFromStore, type LocalStore } from "./local-store.ts";

const expression = `let
  text = builtins.toFile "text" "some text";
  make = name: script: derivation {
    inherit name; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" script ];
  };
  library = make "library-1.2" "echo \${text} > $out";
in make "system-3" "echo \${library} $out > $out"
`;

suite("closures of stock Nix", () => {
  let nix: StockNix;
  let store: LocalStore;
  let toplevel: StorePath;
  let closure: Closure;
  let key: PublicKey;
  let signed: string;

  before(async () => {
    nix = new StockNix();
    writeFileSync(nix.path("system.nix"), expression);
    toplevel = parseStorePath(
      nix.text("nix-build", "--no-out-link", "--option", "substitute", "false", "system.nix"),
      nix.storeDirectory,
    );
    store = { store: null, environment: environmentOf(nix) };
    closure = await closureFromStore(processes, store, toplevel);
    nix.text("nix-store", "--generate-binary-cache-key", "cache-1", "secret", "public");
    key = parsePublicKey(readFileSync(nix.path("public"), "utf8"));
    signed = nix.path("signed");
    nix.text("nix", "copy", "--to", `file://${nix.path("bare")}`, toplevel);
    cpSync(nix.path("bare"), signed, { recursive: true });
    nix.text("nix", "store", "sign", "-k", "secret", "--recursive", "--store", `file://${signed}`, toplevel);
  });
  after(() => nix.remove());

  test("of several at once it gives each one's own, and what they share once", async () => {
    const library = closure.paths.find(({ path }) => path.includes("library"))!.path;
    const all = await closuresFromStore(processes, store, [toplevel, library, toplevel]);
    assert.deepEqual([...all.keys()], [toplevel, library]);
    assert.deepEqual(all.get(toplevel), closure);
    assert.deepEqual(all.get(library), await closureFromStore(processes, store, library));
    const known = new Set(all.get(toplevel)!.paths);
    assert.ok(all.get(library)!.paths.every((path) => known.has(path)));
  });

  test("a local store gives what nix-store --query gives", () => {
    const requisites = nix.text("nix-store", "--query", "--requisites", toplevel).split("\n").sort();
    assert.deepEqual(
      closure.paths.map(({ path }) => path),
      requisites,
    );
    assert.equal(closure.deriver, nix.text("nix-store", "--query", "--deriver", toplevel));
    for (const { path, narSize, references } of closure.paths) {
      assert.equal(String(narSize), nix.text("nix-store", "--query", "--size", path));
      const known = nix
        .text("nix-store", "--query", "--references", path)
        .split("\n")
        .filter((one) => one !== "");
      assert.deepEqual(references, known.sort());
    }
    assert.ok(closure.paths.some(({ contentAddress }) => contentAddress?.method === "text"));
  });

  test("so does another store that is named", async () => {
    const root = nix.path("chroot");
    nix.text("nix", "copy", "--no-check-sigs", "--to", root, toplevel);
    const other = await closureFromStore(processes, { ...store, store: root }, toplevel);
    assert.deepEqual(other.paths.map(claimOf), closure.paths.map(claimOf));
  });

  test("a path that is not there is not found, and nothing is built or fetched for it", async () => {
    const missing = toplevel.replace("system-3", "system-4") as StorePath;
    await assert.rejects(closureFromStore(processes, store, missing), { code: "not-found" });
  });

  test("a signed binary cache gives the same", async () => {
    const other = await closureFromCache(files, signed, [key], toplevel);
    assert.deepEqual(other.paths.map(claimOf), closure.paths.map(claimOf));
  });

  test("a cache whose signatures are missing, or by another key, is refused", async () => {
    const stranger = { ...key, bytes: new Uint8Array(32).fill(9) };
    const cases: [string, PublicKey[]][] = [
      [nix.path("bare"), [key]],
      [signed, []],
      [signed, [stranger]],
    ];
    for (const [directory, keys] of cases)
      await assert.rejects(closureFromCache(files, directory, keys, toplevel), { code: "refused" });
  });

  test("one signed path does not carry the others, whatever it is that was altered", async () => {
    const edits: Record<string, (text: string) => string> = {
      "the NAR hash": (text) =>
        text.replace(/NarHash: sha256:./, (found) => found.slice(0, -1) + (found.endsWith("1") ? "0" : "1")),
      "the NAR size": (text) => text.replace(/NarSize: \d+/, (found) => `${found}0`),
      "a reference": (text) => text.replace(/References: [^\n]*/, "References: "),
      "the signature": (text) => text.replace(/\nSig: [^\n]*/, ""),
    };
    for (const [what, edit] of Object.entries(edits)) {
      for (const { path, references } of closure.paths) {
        if (what === "a reference" && references.length === 0) continue;
        const directory = nix.path("altered");
        cpSync(signed, directory, { recursive: true });
        const file = join(directory, `${digestOf(path)}.narinfo`);
        const text = readFileSync(file, "utf8");
        const altered = edit(text);
        assert.notEqual(altered, text);
        writeFileSync(file, altered);
        await assert.rejects(
          closureFromCache(files, directory, [key], toplevel),
          (error: { code?: string }) => error.code === "refused" || error.code === "malformed",
          `${what} of ${path}`,
        );
      }
    }
  });

  test("a text's address proves its path and not the NAR hash that stands beside it", async () => {
    const text = closure.paths.find(({ contentAddress }) => contentAddress !== null)!;
    const directory = nix.path("bare");
    assert.equal(text.references.length, 0);
    await assert.rejects(closureFromCache(files, directory, [], text.path), { code: "refused" });
  });

  test("what is content-addressed by its NAR needs no signature, unless it lies", async () => {
    writeFileSync(nix.path("plain.txt"), "plain");
    const path = parseStorePath(nix.text("nix-store", "--add", "plain.txt"), nix.storeDirectory);
    const directory = nix.path("addressed");
    nix.text("nix", "copy", "--to", `file://${directory}`, path);
    assert.equal((await closureFromCache(files, directory, [], path)).paths.length, 1);
    const name = readdirSync(directory).find((one) => one.endsWith(".narinfo"));
    const file = join(directory, name!);
    const good = readFileSync(file, "utf8");
    const other = closure.paths[0]!;
    const { narHash } = JSON.parse(nix.text("nix", "path-info", "--json", other.path).slice(1, -1)) as {
      narHash: string;
    };
    writeFileSync(file, good.replace(/NarHash: [^\n]*/, `NarHash: ${narHash}`));
    await assert.rejects(closureFromCache(files, directory, [], path), { code: "refused" });
    const both = (text: string): string => text.replace(/sha256:[a-z0-9]{52}/g, "sha256:".padEnd(59, "1"));
    writeFileSync(
      file,
      good
        .split("\n")
        .map((line) => (/^(?:NarHash|CA)/.test(line) ? both(line) : line))
        .join("\n"),
    );
    await assert.rejects(closureFromCache(files, directory, [], path), { code: "refused" });
  });

  test("a flat file's address is no NAR hash, though a cache says that it is", async () => {
    writeFileSync(nix.path("flat.txt"), "flat");
    const path = parseStorePath(
      nix.text("nix-store", "--add-fixed", "sha256", "flat.txt"),
      nix.storeDirectory,
    );
    const directory = nix.path("flat");
    nix.text("nix", "copy", "--to", `file://${directory}`, path);
    const file = join(directory, `${digestOf(path)}.narinfo`);
    const text = readFileSync(file, "utf8");
    const address = /\nCA: fixed:(sha256:[a-z0-9]+)/.exec(text)![1]!;
    writeFileSync(file, text.replace(/NarHash: [^\n]*/, `NarHash: ${address}`));
    await assert.rejects(closureFromCache(files, directory, [], path), { code: "refused" });
  });

  test("a narinfo about another path is not taken for this one", async () => {
    const directory = nix.path("swapped");
    cpSync(signed, directory, { recursive: true });
    const other = closure.paths.find(({ path }) => path !== toplevel)!;
    cpSync(
      join(directory, `${digestOf(other.path)}.narinfo`),
      join(directory, `${digestOf(toplevel)}.narinfo`),
    );
    await assert.rejects(closureFromCache(files, directory, [key], toplevel), { code: "malformed" });
  });
});

function environmentOf(nix: StockNix): Record<string, string> {
  return {
    NIX_STORE_DIR: nix.storeDirectory,
    NIX_STATE_DIR: nix.path("state"),
    NIX_LOG_DIR: nix.path("log"),
    NIX_LOCALSTATE_DIR: nix.path("var"),
    NIX_CONF_DIR: nix.path("etc"),
    HOME: nix.directory,
  };
}
