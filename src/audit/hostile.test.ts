import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { NixsealError } from "../core/errors.ts";
import { top } from "../../test/console.ts";
import { findingsIn, reportOf, type FileTree } from "../../test/support/audit.ts";
import { limits } from "./limits.ts";
import { printable } from "./printable.ts";
import { parseLockFile } from "./target/lock-file.ts";
import { parseWorkflow } from "./workflow.ts";

const patient = { timeout: 60_000 };

/** A text so large that work in the square of its size would not end. */
const filled = (unit: string, size: number = 1 << 20): string => unit.repeat(Math.floor(size / unit.length));

test("texts made to keep patterns busy", patient, async () => {
  const units = [
    "\n",
    " ",
    "openssl enc ",
    "-----BEGIN RSA PRIVATE KEY-----",
    `-----BEGIN RSA PRIVATE KEY-----${"A".repeat(40_000)}`,
    "StrictHostKeyChecking=",
    "password ",
    "xoxb-",
    "sk-a",
    "a.",
    "PrivateKey=",
    "A=",
    "<<<<<<< ",
    "CACHIX_AUTH_TOKEN   ",
    "://a:",
    "\t\n",
  ];
  for (const unit of units) {
    const text = filled(unit);
    const tree: FileTree = {
      "a.sh": text,
      ".env": text,
      ".netrc": text,
      "secrets.yaml": text,
      ".gitmodules": text,
      "fleet.toml": text,
      "flake.nix": text,
      "flake.lock": text,
      ".gitattributes": text,
    };
    await reportOf(tree);
  }
});

test("workflows made to keep patterns and the YAML reader busy", patient, async () => {
  const units = [
    "sops ",
    "age ",
    "git pull ",
    "${{ github.event.issue ",
    "${{",
    "curl ",
    "echo ${{ secrets",
    "ssh ",
    "${{ github.event.pull_request.title",
    "set -x ",
  ];
  for (const unit of units) {
    const script = filled(unit, limits.workflow - 2000);
    await findingsIn({
      ".github/workflows/x.yml": `on: [pull_request_target]\njobs:\n  a:\n    steps:\n      - run: |\n          ${script}\n      - uses: "${unit}"\n`,
    });
  }
  const others = [
    filled("- a\n", limits.workflow - 1),
    filled("a: 1\n", limits.workflow - 1),
    filled("[", 30_000),
    filled("? ", 30_000),
    filled("&a ", 30_000),
    filled("!!a ", 30_000),
    `a: ${filled('"', 30_000)}`,
    filled("{a: ", 30_000),
    filled("  ", 30_000),
    filled("- - ", 2000),
  ];
  for (const text of others) await findingsIn({ ".github/workflows/x.yml": text });
});

test("values that double with each line end as unknown, where checks ask for them", patient, async () => {
  const names = Array.from({ length: 60 }, (_, n) => n);
  const chain = (first: string, next: (name: string) => string): string =>
    names.map((n) => (n === 0 ? `a0 = ${first};` : `a${n} = ${next(`a${n - 1}`)};`)).join(" ");
  const chains = [
    chain('"x"', (a) => `${a} + ${a}`),
    chain('"x"', (a) => `"\${${a}}\${${a}}"`),
    chain("[ 1 ]", (a) => `${a} ++ ${a}`),
    chain("[ 1 ]", (a) => `[ ${a} ${a} ]`),
    chain("{ x = 1; }", (a) => `{ x = ${a}; y = ${a}; }`),
    chain("./x", (a) => `./\${${a}}\${${a}}`),
  ];
  const options = [
    "services.openssh.settings.PermitRootLogin",
    "nix.settings.trusted-users",
    "security.sudo.extraRules",
    "networking.firewall.allowedTCPPorts",
    "services.x.settings.password",
    "users.users.a.password",
    "users.groups.docker.members",
  ];
  for (const bindings of chains)
    await findingsIn({
      "x.nix": `let ${bindings} in { ${options.map((option) => `${option} = a59;`).join(" ")} }`,
    });
});

test("many findings: each check is bounded in a file, and all are counted", patient, async () => {
  const { findings, checks } = await reportOf({
    "x.nix": `{ ${Array.from({ length: 5000 }, (_, n) => `a${n}.networking.firewall.enable = false;\n`).join("")} }`,
  });
  assert.equal(findings.length, limits.findings);
  assert.deepEqual(
    checks.map(({ id, affected }) => [id, affected]),
    [["HST001", 5000]],
  );
});

test("what is imported is looked at whatever it is called, and what is named and no Nix is no finding", async () => {
  const root = '{ services.openssh.settings.PermitRootLogin = "yes"; }';
  const { findings } = await reportOf({
    "hosts/web.nix":
      "{ imports = [ ./base ../X.NIX (import ./more { }) ]; p = ./logo.png; q = ./notes; r = ./none; }",
    "hosts/base": root,
    "X.NIX": "{ imports = [ ./third ]; }",
    third: root,
    "hosts/more": `{ }: ${root}`,
    "hosts/logo.png": "\0\0",
    "hosts/notes": "Nothing but prose.",
    "hosts/other": root,
    "linked.nix": "-> ./hosts/blob",
    "hosts/blob": root,
  });
  assert.deepEqual(
    findings.map(({ id, file }) => `${id} ${file}`),
    ["SSH001 hosts/base", "SSH001 hosts/blob", "SSH001 hosts/more", "SSH001 third"],
  );
});

test(
  "what cannot be told never keeps what counts off the list, in one file or in many",
  patient,
  async () => {
    const open = Array.from(
      { length: 60 },
      (_, n) => `{ services.openssh.settings.PermitRootLogin = config.a${n}; }\n`,
    ).join("");
    const root = '{ services.openssh.settings.PermitRootLogin = "yes"; }';
    const module = (...parts: readonly string[]): string =>
      `{ config, lib, ... }: lib.mkMerge [ ${parts.join("")} ]`;
    const affected = async (tree: FileTree): Promise<number> =>
      (await findingsIn(tree)).filter(({ verdict }) => verdict === "affected").length;
    assert.equal(await affected({ "x.nix": module(open, root) }), 1);
    const many = Object.fromEntries(
      Array.from({ length: limits.report / limits.findings + 1 }, (_, n) => [`a${n}.nix`, module(open)]),
    );
    assert.equal(await affected({ ...many, "z.nix": root }), 1);
  },
);

test(
  "what is no text is not looked at, except what Nix or the forge reads all the same",
  patient,
  async () => {
    const { findings, coverage } = await reportOf({
      "nul.nix": '# \0\n{ services.openssh.settings.PermitRootLogin = "yes"; }',
      "flake.lock": "\0{}",
      ".github/workflows/x.yml": "on: push # \0\npermissions: write-all\njobs: {}\n",
      "picture.png": "\0\0",
    });
    assert.deepEqual(
      findings.filter(({ id }) => /^(?:SSH|AUD|CI)/.test(id)).map(({ id, file }) => [id, file]),
      [
        ["CI003", ".github/workflows/x.yml"],
        ["SSH001", "nul.nix"],
        ["AUD002", "flake.lock"],
      ],
    );
    assert.deepEqual([coverage.files, coverage.read], [4, 2]);
  },
);

test("mutated files of a real fleet: findings or a refusal, never anything else", patient, async () => {
  const base = join(top, "test/audit/fleets/bad");
  const paths = readdirSync(base, { recursive: true, encoding: "utf8" }).filter((path) =>
    /\.(?:nix|yml|lock)$/.test(path),
  );
  const originals = new Map(paths.map((path) => [path, readFileSync(join(base, path))]));
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...paths),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 }),
      fc.boolean(),
      async (path, changes, cut) => {
        const bytes = Buffer.from(originals.get(path)!);
        for (const [place, byte] of changes) bytes[place % bytes.length] = byte;
        const tree = { [path]: cut ? bytes.subarray(0, changes[0]![0] % bytes.length) : bytes };
        for (const { message, fingerprint } of await findingsIn(tree))
          assert.ok(message !== "" && fingerprint.length === 16);
      },
    ),
    { numRuns: 400 },
  );
});

test("lock files and workflows: nothing but a NixsealError comes of any text", patient, async () => {
  const json = fc.json({ maxDepth: 4 });
  const nodes = fc.record(
    {
      version: fc.constantFrom(5, 7, 8, "7"),
      nodes: fc.dictionary(fc.string(), fc.anything({ maxDepth: 3 })),
      root: fc.constantFrom("root", 1),
    },
    { requiredKeys: [] },
  );
  const refusing = async (work: () => unknown): Promise<void> => {
    try {
      await work();
    } catch (error) {
      assert.ok(error instanceof NixsealError, String(error));
    }
  };
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        json,
        nodes.map((value) => JSON.stringify(value) ?? ""),
      ),
      (text) => refusing(() => parseLockFile("flake.lock", text)),
    ),
    { numRuns: 300 },
  );
  const yaml = fc
    .array(
      fc.constantFrom(
        "on",
        ": ",
        "\n",
        "  ",
        "- ",
        "jobs",
        "steps",
        "uses",
        "run",
        "|\n",
        "&a ",
        "*a",
        "[",
        "]",
        "{",
        "}",
        ",",
        "'",
        '"',
        "#",
        "!!",
        "? ",
        "---\n",
        "%",
        "<<: ",
        "\t",
      ),
      { maxLength: 60 },
    )
    .map((parts) => parts.join(""));
  await fc.assert(
    fc.asyncProperty(yaml, (text) => refusing(() => parseWorkflow("x.yml", text))),
    { numRuns: 800 },
  );
});

test("what is shown holds no control character, whatever comes", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 400 }), (text) => {
      // oxlint-disable-next-line no-control-regex -- they are what must not be there
      assert.doesNotMatch(printable(text), /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
      assert.ok(printable(text).isWellFormed() && printable(text).length <= 301);
    }),
  );
});
