/** With the Nix that Debian has, in a store of the test's own. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { StockNix } from "../../test/support/stock-nix.ts";
import { processes } from "../system/processes.ts";
import { evaluate, hostsAtOnce, realise, type NixWorld } from "./build.ts";

const stock = new StockNix();
after(() => stock.remove());
const { PATH: _, HOME: __, ...environment } = stock.allEnvironment;
environment["NIX_CONFIG"] += "\nsubstituters =";
const world: NixWorld = {
  processes,
  environment: { ...environment, HOME: stock.directory },
  storeDirectory: stock.storeDirectory,
};

const system = (name: string): string =>
  `derivation { name = "nixos-system-${name}"; system = builtins.currentSystem or "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "echo ${name} > $out" ]; }`;

test("a file with systems or their toplevels: evaluated in chunks, built in order", async () => {
  const names = Array.from({ length: hostsAtOnce + 2 }, (_unused, index) => `web${index}`);
  const file = stock.path('it\'s ${a} "file".nix');
  writeFileSync(
    file,
    `{ }: { ${names.map((name, index) => (index % 2 === 0 ? `${name} = ${system(name)};` : `${name}.config.system.build.toplevel = ${system(name)};`)).join("\n")} }`,
  );
  const chunks: number[] = [];
  const drvs = await evaluate(world, { kind: "file", path: file }, names, (done) => chunks.push(done));
  assert.deepEqual(chunks, [hostsAtOnce, names.length]);
  assert.deepEqual([...drvs.keys()], names);
  const built = await realise(world, [...drvs.values()], null);
  assert.deepEqual(
    built.map((path) => /-nixos-system-(web\d+)$/.exec(path)?.[1]),
    names,
  );
});

test("a flake's nixosConfigurations", async () => {
  const directory = stock.path("flake");
  mkdirSync(directory);
  writeFileSync(
    `${directory}/flake.nix`,
    `{ outputs = { self }: { nixosConfigurations.web.config.system.build.toplevel = derivation { name = "nixos-system-web"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "echo web > $out" ]; }; }; }`,
  );
  const flake = { kind: "flake", reference: `path:${directory}` } as const;
  const drvs = await evaluate(world, flake, ["web"], () => undefined);
  assert.match(drvs.get("web")!, /-nixos-system-web\.drv$/);
  const [built] = await realise(world, [...drvs.values()], null);
  assert.match(built!, /-nixos-system-web$/);
  await assert.rejects(
    evaluate(world, flake, ["db"], () => undefined),
    {
      code: "tool",
      message: /no nixosConfigurations\.db/,
    },
  );
});

test("a builder: nothing that it makes is imported here", async () => {
  const file = stock.path("remote.nix");
  // In a chroot store there is no /bin/sh to build with; this builder is inside of Nix.
  writeFileSync(
    file,
    `{ far = derivation { name = "nixos-system-far"; system = "builtin"; builder = "builtin:buildenv"; derivations = ""; manifest = "/nowhere"; }; }`,
  );
  const drvs = await evaluate(world, { kind: "file", path: file }, ["far"], () => undefined);
  // Another store directory than ours cannot be built for; the chroot store of Nix keeps the same one elsewhere.
  const builder = `local?root=${stock.path("builder")}`;
  const [built] = await realise(world, [...drvs.values()], builder);
  assert.match(built!, /-nixos-system-far$/);
  assert.notEqual(stock.try("nix-store", ["--check-validity", built!]).status, 0);
});

test("what fails to evaluate or to build says what Nix said", async () => {
  const file = stock.path("bad.nix");
  writeFileSync(
    file,
    `{ a = throw "out of coffee"; b = derivation { name = "b"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "exit 7" ]; }; }`,
  );
  await assert.rejects(
    evaluate(world, { kind: "file", path: file }, ["a"], () => undefined),
    /out of coffee/,
  );
  await assert.rejects(
    evaluate(world, { kind: "file", path: file }, ["c"], () => undefined),
    /no attribute c/,
  );
  const drvs = await evaluate(world, { kind: "file", path: file }, ["b"], () => undefined);
  await assert.rejects(realise(world, [...drvs.values()], null), { code: "tool", message: /exit code 7/ });
});
