import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { actor, ledgerRecord } from "../../../test/support/ledger.ts";
import { StockNix } from "../../../test/support/stock-nix.ts";
import { noon } from "../../../test/support/warrants.ts";
import type { Command } from "../../core/ports.ts";
import { closureFromStore } from "../../trust/warrant/local-store.ts";
import { parseStorePath, type StorePath } from "../../nix/store-path.ts";
import { files } from "../../system/files.ts";
import { processes } from "../../system/processes.ts";
import { record } from "../ledger/record.ts";
import type { Origin } from "../ledger/origin.ts";
import { readSystems } from "../store/systems.ts";
import { findTaint } from "./taint.ts";
import { parseSubject } from "./subject.ts";

const nix = new StockNix();
after(() => nix.remove());

const expression = `
let
  step = name: text: derivation {
    inherit name; system = builtins.currentSystem; builder = "/bin/sh";
    args = [ "-c" "echo \${text} > $out" ];
  };
  source = builtins.toFile "planted-source" "evil";
  tool = step "tool" "\${source}";
  made = step "made" "-- $(cat \${tool} > /dev/null)";
  clean = step "clean" "clean";
in step "system" "\${made} \${clean}"
`;

const path = (text: string): StorePath => parseStorePath(text.trim(), nix.storeDirectory);
const nameOf = (one: string): string => one.slice(one.lastIndexOf("/") + 34);

function built(): { system: StorePath; source: StorePath; tool: StorePath } {
  writeFileSync(nix.path("system.nix"), expression);
  const system = path(nix.text("nix-build", "--no-out-link", "system.nix"));
  const valid = nix.text("nix-store", "--dump-db").split("\n");
  const named = (name: string): StorePath => path(valid.find((line) => line.endsWith(`-${name}`))!);
  return { system, source: named("planted-source"), tool: named("tool") };
}

const paths = built();
const store = { store: null, environment: nix.allEnvironment };

async function ledgerWith(
  name: string,
  brought: StorePath,
  origin: Origin,
  more: readonly [StorePath, Origin][] = [],
) {
  const ledger = nix.path(name);
  const { contentAddress: _, ...info } = (await closureFromStore(processes, store, brought)).paths.find(
    (one) => one.path === brought,
  )!;
  const shape = { event: "added", deriver: null } as const;
  await record({ files, clock: { now: () => noon } }, ledger, [{ ...info, ...shape, origin }]);
  for (const [one, why] of more) {
    const { contentAddress: __, ...its } = (await closureFromStore(processes, store, one)).paths.find(
      (each) => each.path === one,
    )!;
    await record({ files, clock: { now: () => noon } }, ledger, [{ ...its, ...shape, origin: why }]);
  }
  return ledger;
}

async function ask(ledger: string, subject: string, ports = { files, processes }) {
  const root = nix.path("root");
  mkdirSync(`${root}/run`, { recursive: true });
  await files.removeTree(`${root}/run/current-system`);
  symlinkSync(paths.system, `${root}/run/current-system`);
  const systems = await readSystems(files, {
    root,
    profile: "/nix/var/nix/profiles/system",
    storeDirectory: nix.storeDirectory,
  });
  return findTaint(ports, {
    subject: await parseSubject(files, subject),
    ledger,
    store,
    storeDirectory: nix.storeDirectory,
    storeFiles: nix.storeDirectory,
    systems,
  });
}

test("what was built from what a member sent is found, step by step, down to the running system", async () => {
  const ledger = await ledgerWith("one", paths.source, {
    kind: "certificate",
    uploader: actor("mallory", 7n),
  });
  for (const subject of ["mallory", actor("mallory").key, "7"]) {
    const { findings, unknown } = await ask(ledger, subject);
    assert.deepEqual(unknown, []);
    const shown = new Map(findings.map((one) => [nameOf(one.path), one]));
    // `made` read the tool and kept no reference to it: only its derivation tells.
    for (const name of ["planted-source", "tool.drv", "tool", "made.drv", "made", "system.drv", "system"])
      assert.ok(shown.has(name), name);
    assert.ok(!shown.has("clean") && !shown.has("clean.drv"));
    assert.deepEqual(
      shown.get("made")!.chain.map(({ path: one, how }) => [nameOf(one), how]),
      [
        ["planted-source", null],
        ["tool", "refers"],
        ["made", "built"],
      ],
    );
    assert.deepEqual(shown.get("system")!.systems, ["running"]);
    assert.deepEqual(shown.get("tool")!.systems, []);
    assert.equal(shown.get("tool")!.present, true);
    assert.match(shown.get("tool")!.because, /sent by mallory/);
  }
  for (const stranger of ["alice", "8", actor("alice").key])
    assert.deepEqual(await ask(ledger, stranger), { findings: [], unknown: [], named: ["mallory"] });
});

test("a path whose content a warrant fixed is not tainted by what its derivation names", async () => {
  const warrant: Origin = {
    kind: "warrant",
    digest: "aa".repeat(32),
    signers: [actor("alice")],
    uploader: actor("ci"),
  };
  const origin: Origin = { kind: "certificate", uploader: actor("mallory", 7n) };
  const ledger = await ledgerWith("two", paths.source, origin, [[paths.tool, warrant]]);
  const names = (await ask(ledger, "mallory")).findings.map((one) => nameOf(one.path));
  assert.ok(names.includes("tool.drv"));
  // It refers to the source still: a reference is not a matter of who built it.
  assert.ok(names.includes("tool"));
  const tool = (await ask(ledger, "mallory")).findings.find((one) => nameOf(one.path) === "tool")!;
  assert.deepEqual(
    tool.chain.map(({ how }) => how),
    [null, "refers"],
  );
  const signed = (await ask(ledger, "alice")).findings.map((one) => nameOf(one.path));
  assert.deepEqual(signed.slice(0, 1), ["tool"]);
  assert.ok(signed.includes("system") && !signed.includes("planted-source"));
  assert.ok((await ask(ledger, "ci")).findings.length > 0);
});

test("what is gone from the store is found by the ledger alone", async () => {
  const ledger = nix.path("three");
  const gone = {
    kind: "upstream",
    signature: { name: "cache.example.org-1", bytes: new Uint8Array(64) },
  } as const;
  const records = [
    ledgerRecord("old-lib-1", { origin: { ...gone, uploader: null } }),
    ledgerRecord("old-app-1", { references: ["old-lib-1"] }),
  ].map((one) => ({
    ...one,
    path: one.path.replace("/nix/store", nix.storeDirectory) as StorePath,
    references: one.references.map((each) => each.replace("/nix/store", nix.storeDirectory) as StorePath),
  }));
  await record({ files, clock: { now: () => noon } }, ledger, records);
  const { findings } = await ask(ledger, "cache.example.org-1");
  assert.deepEqual(
    findings.map((one) => [nameOf(one.path), one.present]),
    [
      ["old-lib-1", false],
      ["old-app-1", false],
    ],
  );
});

test("without Nix it says that it does not know, and never that all is clean", async () => {
  const ledger = await ledgerWith("four", paths.source, { kind: "unknown" });
  const program = "nix-store-is-not-here";
  const without = {
    files,
    processes: { converse: (command: Command) => processes.converse({ ...command, program }) },
  };
  const { findings, unknown } = await findTaint(without, {
    subject: { kind: "name", name: "mallory" },
    ledger,
    store,
    storeDirectory: nix.storeDirectory,
    storeFiles: nix.storeDirectory,
    systems: { running: null, booted: null, profile: null },
  });
  assert.deepEqual(findings, []);
  assert.match(unknown.join("\n"), /the store's database could not be read/);
});
