import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { NixsealError } from "../../src/core/errors.ts";
import { globMatches } from "../../src/inventory/glob.ts";
import { loadFleet } from "../../src/inventory/load.ts";
import type { Fleet, HostName } from "../../src/inventory/model.ts";
import { manifestFor } from "../../src/secrets/manifest-for.ts";
import { manifestText, parseManifest } from "../../src/secrets/manifest.ts";
import { files } from "../../src/system/files.ts";
import { top } from "../console.ts";
import { StockNix } from "../support/stock-nix.ts";
import { generatedFleet, type FleetFiles } from "./fleets.ts";

const nix = new StockNix();
const room = join(top, "nix");
after(() => nix.remove());

let made = 0;

/** A directory with these files. */
function fleetDirectory(contents: FleetFiles): string {
  const directory = nix.path(`fleet-${made++}`);
  for (const [name, text] of Object.entries(contents)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  return directory;
}

const loaded = new Map<string, Promise<Fleet>>();

function load(directory: string): Promise<Fleet> {
  const fleet = loadFleet(files, directory);
  loaded.set(directory, fleet);
  return fleet;
}

/** What TypeScript makes of it; null when it refuses. */
async function byTypeScript(directory: string, host: string): Promise<string | null> {
  try {
    const fleet = await (loaded.get(directory) ?? load(directory));
    const digestOf = async ({ name }: { name: string }): Promise<string> =>
      createHash("sha256")
        .update(readFileSync(`${directory}/secrets/${name}.age`))
        .digest("hex");
    const text = manifestText(await manifestFor(fleet, fleet.hosts.get(host as HostName)!, digestOf));
    parseManifest(new TextEncoder().encode(text));
    return text;
  } catch (error) {
    if (error instanceof NixsealError && error.code === "config") return null;
    throw error;
  }
}

interface Case {
  readonly directory: string;
  readonly host: string;
}

/** What Nix makes of many, in one process; null for what is thrown. Any other error of Nix ends the evaluation. */
function byNix(cases: readonly Case[]): (string | null)[] {
  writeFileSync(nix.path("cases.json"), JSON.stringify(cases));
  const expression = `
    let lib = import ${room}/lib.nix;
    in map (case: let found = builtins.tryEval (lib.manifestJson { fleetDir = case.directory; inherit (case) host; });
      in if found.success then found.value else null) (builtins.fromJSON (builtins.readFile ${nix.path("cases.json")}))`;
  return nix.json("nix-instantiate", "--eval", "--strict", "--json", "--expr", expression) as (
    | string
    | null
  )[];
}

test("Nix and TypeScript make the same manifests of generated fleets, and refuse the same", async () => {
  let sound = 0;
  let refused = 0;
  const seed = Math.floor(Math.random() * 2 ** 31);
  const cases = fc.sample(generatedFleet, { numRuns: 300, seed }).flatMap((fleet) => {
    const directory = fleetDirectory(fleet.files);
    return fleet.hosts.map((host) => ({ directory, host, files: fleet.files }));
  });
  const answers = byNix(cases);
  for (const [index, { directory, host, files }] of cases.entries()) {
    const wanted = await byTypeScript(directory, host);
    assert.equal(answers[index], wanted, `seed ${seed}, ${host} of\n${Object.values(files).join("\n")}`);
    if (wanted === null) refused++;
    else sound++;
  }
  assert.ok(sound > 50 && refused > 50, `${sound} sound, ${refused} refused: the generator is one-sided`);
});

test("globs match the same", () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b", "."), maxLength: 12 });
  const pattern = fc.string({ unit: fc.constantFrom("a", "b", ".", "*", "?"), minLength: 1, maxLength: 8 });
  const pairs = fc.sample(fc.tuple(pattern, letters), 3000);
  const hostile: [string, string] = ["*a".repeat(31) + "b", "a".repeat(64)];
  writeFileSync(nix.path("globs.json"), JSON.stringify([...pairs, hostile]));
  const expression = `
    let inherit (import ${room}/fleet/selectors.nix) globMatches;
    in map (pair: globMatches (builtins.elemAt pair 0) (builtins.elemAt pair 1))
      (builtins.fromJSON (builtins.readFile ${nix.path("globs.json")}))`;
  const found = nix.json(
    "nix-instantiate",
    "--eval",
    "--strict",
    "--json",
    "--expr",
    expression,
  ) as boolean[];
  for (const [index, [glob, text]] of [...pairs, hostile].entries())
    assert.equal(found[index], globMatches(glob, text), `'${glob}' on '${text}'`);
});

const host = '[hosts.a]\nhost_keys = ["ssh-ed25519 AAAA"]\n';
const refusals: readonly (readonly [what: string, toml: string, message: RegExp])[] = [
  ["a host that is not there", "", /there is no host 'a'/],
  [
    "U+0000, at which old Nix ends a text",
    `${host}[secrets.s]\nhosts = ["a"]\npath = "/run/x\\u0000y"\n`,
    /control/,
  ],
  ["a selector without a match", `${host}[secrets.s]\nhosts = ["b"]\n`, /'b' matches no host/],
  ["a negative one without a match", `${host}[secrets.s]\nhosts = ["!tag:x"]\n`, /'!tag:x' matches no host/],
  ["a group among hosts", `${host}[secrets.s]\nhosts = ["group:x"]\n`, /cannot select hosts/],
  ["an unknown key", `${host}[secrets.s]\nhosts = ["a"]\nonwer = "x"\n`, /unknown key 'onwer'/],
  [
    "a number for a mode",
    `${host}[secrets.s]\nhosts = ["a"]\nmode = 400\n`,
    /found a number, expected a mode/,
  ],
  ["a ciphertext that is not there", `${host}[secrets.s]\nhosts = ["a"]\n`, /there is no .*secrets\/s\.age/],
  ["no identity", '[hosts.a]\nrecipients = ["age1x"]\n', /neither identities nor a host key/],
  ["an include that is not there", `include = ["x.toml"]\n${host}`, /'x\.toml' is not there/],
  ["an include that leads out", `include = ["../x.toml"]\n${host}`, /a relative path or glob/],
  ["no TOML", "[hosts", /fleet\.toml|toml/],
  [
    "a private key in the wrong place",
    `${host}[secrets.s]\nhosts = ["a"]\nmode = "AGE-SECRET-KEY-1QQ"\n`,
    /a private key \(not shown\)/,
  ],
];

for (const [what, toml, message] of refusals)
  test(`refused by Nix: ${what}`, () => {
    const directory = fleetDirectory({ "fleet.toml": toml });
    const expression = `(import ${room}/lib.nix).manifestJson { fleetDir = "${directory}"; host = "a"; }`;
    const { status, stderr } = nix.try("nix-instantiate", ["--eval", "--strict", "--expr", expression]);
    assert.equal(status, 1);
    assert.match(stderr.toString(), message);
    assert.doesNotMatch(stderr.toString(), /AGE-SECRET-KEY-1QQ/);
  });

test("refused by Nix: one name in two files", () => {
  const directory = fleetDirectory({
    "fleet.toml": `include = ["more/*.toml"]\n${host}`,
    "more/x.toml": host,
  });
  const expression = `(import ${room}/lib.nix).manifestJson { fleetDir = "${directory}"; host = "a"; }`;
  const { status, stderr } = nix.try("nix-instantiate", ["--eval", "--strict", "--expr", expression]);
  assert.equal(status, 1);
  assert.match(stderr.toString(), /\[hosts\.a\] is in fleet\.toml and in more\/x\.toml/);
});

test("a fleet of 2,000 hosts and 1,000 secrets is evaluated", () => {
  const hosts = Array.from(
    { length: 2000 },
    (_, index) => `[hosts.h${index}]\nhost_keys = ["ssh-ed25519 AAAA"]\ntags = ["t${index % 40}"]\n`,
  );
  const secrets = Array.from(
    { length: 1000 },
    (_, index) => `[secrets.s${index}]\nhosts = ["tag:t${index % 40}", "h${index}"]\n`,
  );
  const some = Array.from({ length: 1000 }, (_, index) => [`secrets/s${index}.age`, "x"] as const);
  const directory = fleetDirectory({
    "fleet.toml": [...hosts, ...secrets].join(""),
    ...Object.fromEntries(some),
  });
  const [answer] = byNix([{ directory, host: "h1999" }]);
  assert.equal(parseManifest(new TextEncoder().encode(answer!)).secrets.length, 25);
});

test("in a flake, in pure evaluation, from a path and from the flake itself", () => {
  const files = ["fleet.toml", "secrets/alice-password.age", "secrets/grafana-admin.age"];
  const flake = `{
    outputs = { self }: {
      byPath = (import ./nix/lib.nix).manifestJson { fleetDir = ./.; host = "lufta"; };
      bySelf = (import ./nix/lib.nix).manifestJson { fleetDir = self; host = "lufta"; };
    };
  }`;
  const directory = fleetDirectory({
    "flake.nix": flake,
    ...Object.fromEntries(files.map((file) => [file, readFileSync(join(room, "example", file), "utf8")])),
  });
  cpSync(join(room, "lib.nix"), join(directory, "nix/lib.nix"));
  cpSync(join(room, "fleet"), join(directory, "nix/fleet"), { recursive: true });
  const evaluate = (output: string): string => {
    const args = ["--extra-experimental-features", "flakes", "eval", "--raw", `path:${directory}#${output}`];
    return nix.text("nix", ...args);
  };
  const [byExample] = byNix([{ directory: join(room, "example"), host: "lufta" }]);
  assert.equal(evaluate("byPath"), byExample);
  assert.equal(evaluate("bySelf"), byExample);
});
