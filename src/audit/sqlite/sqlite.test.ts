import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import fc from "fast-check";
import { NixsealError } from "../../core/errors.ts";
import { temporaryDirectory } from "../../../test/support/temporary.ts";
import { pathsOfDatabase } from "../packages/from-database.ts";
import { Pages } from "./pages.ts";
import { tableOf } from "./schema.ts";

/** Nix's own schema, as far as it is read, with its comments. */
const schema = `create table if not exists ValidPaths (
    id               integer primary key autoincrement not null,
    path             text unique not null,
    hash             text not null, -- base16 representation
    registrationTime integer not null,
    deriver          text,
    narSize          integer,
    ultimate         integer, -- null implies "false"
    sigs             text, -- space-separated
    ca               text -- if not null, an assertion, (see ValidPathInfo)
);
create table if not exists Refs (
    referrer  integer not null,
    reference integer not null,
    primary key (referrer, reference),
    foreign key (referrer) references ValidPaths(id) on delete cascade,
    foreign key (reference) references ValidPaths(id) on delete restrict
);
create index if not exists IndexReferrer on Refs(referrer);
`;
const path = (number: number, name = `p-${number}.0`): string =>
  `/nix/store/${String(number).padStart(32, "0")}-${name}`;

/** What stock SQLite makes of the statements. */
function database(context: TestContext, statements: string): { bytes: Uint8Array; log: Uint8Array | null } {
  const file = join(temporaryDirectory(context), "db.sqlite");
  const copy = `${file}.copy`;
  const { status, stderr } = spawnSync("sqlite3", ["-bail", file], {
    input: `${statements}\n.system cp ${file} ${copy}; test -e ${file}-wal && cp ${file}-wal ${copy}-wal\n`,
    encoding: "utf8",
    timeout: 60_000,
  });
  assert.equal(status, 0, stderr);
  return {
    bytes: new Uint8Array(readFileSync(copy)),
    log: existsSync(`${copy}-wal`) ? new Uint8Array(readFileSync(`${copy}-wal`)) : null,
  };
}

const chain = (count: number): string =>
  `begin; ${Array.from(
    { length: count },
    (_, index) =>
      `insert into ValidPaths values (${index + 1}, '${path(index + 1)}', 'sha256:00', 0, ${index % 2 === 0 ? `'${path(index + 1, `p-${index + 1}.0.drv`)}'` : "null"}, 1, 1, null, null);` +
      (index === 0 ? "" : `insert into Refs values (${index}, ${index + 1});`),
  ).join("\n")} commit;`;

test("a database of every page size, on many pages: each path once, with its deriver", (context) => {
  for (const size of [512, 1024, 4096, 65_536]) {
    const { bytes } = database(context, `pragma page_size = ${size};\n${schema}${chain(3000)}`);
    const paths = pathsOfDatabase(bytes, null, []);
    assert.equal(paths.length, 3000, String(size));
    assert.deepEqual(paths[0], { path: path(1), deriver: path(1, "p-1.0.drv") });
    assert.deepEqual(paths[1], { path: path(2), deriver: null });
    const below = pathsOfDatabase(bytes, null, [path(2991)]).map((one) => one.path);
    assert.deepEqual(
      below,
      Array.from({ length: 10 }, (_, index) => path(2991 + index)),
    );
  }
});

test("rows that go on over other pages, deleted rows, a vacuumed file", (context) => {
  const statements = `pragma page_size = 512;\n${schema}${chain(50)}
    update ValidPaths set sigs = hex(zeroblob(20000)) where id = 7; delete from Refs where referrer = 10;
    delete from ValidPaths where id = 1;`;
  for (const end of ["", "vacuum;"]) {
    const { bytes } = database(context, `${statements} ${end}`);
    assert.equal(pathsOfDatabase(bytes, null, []).length, 49);
    const table = tableOf(new Pages(bytes, null), "ValidPaths");
    const row = [...table.rows()].find(({ id }) => id === 7)!;
    assert.equal(row.values[table.column("sigs")], "00".repeat(20_000));
    assert.equal(pathsOfDatabase(bytes, null, [path(2)]).length, 9);
  }
});

test("what is in the write-ahead log alone counts, up to its last commit", (context) => {
  const { bytes, log } = database(
    context,
    `pragma journal_mode = wal; pragma wal_autocheckpoint = 0;\n${schema}${chain(5)}\n${chain(5)
      .replaceAll(/\((\d+), '/g, (_, id) => `(${Number(id) + 100}, 'x`)
      .replaceAll("'x/nix/store/0", "'/nix/store/1")
      .replaceAll(/insert into Refs[^;]*;/g, "")}`,
  );
  assert.ok(log !== null && log.length > 0);
  assert.throws(() => pathsOfDatabase(bytes, null, []), NixsealError, "the file alone has no table yet");
  assert.equal(pathsOfDatabase(bytes, log, []).length, 10);
  // A power cut in the middle of the second transaction: SQLite goes back to the first.
  const frames = (log.length - 32) / (24 + 4096);
  const counts = Array.from({ length: frames + 1 }, (_, kept) => {
    try {
      return pathsOfDatabase(bytes, log.subarray(0, 32 + kept * (24 + 4096) + (kept < frames ? 100 : 0)), [])
        .length;
    } catch {
      return 0;
    }
  });
  assert.deepEqual(
    [...new Set(counts)].sort((a, b) => a - b),
    [0, 5, 10],
  );
  assert.equal(counts.at(-1), 10);
  // A byte that is wrong ends the log there.
  const damaged = new Uint8Array(log);
  damaged[damaged.length - 1]! ^= 1;
  assert.equal(pathsOfDatabase(bytes, damaged, []).length, 5);
});

test("what is no database of Nix is malformed, with the reason", (context) => {
  const other = database(context, "create table a (b); create view ValidPaths as select 1;").bytes;
  const rowless = database(
    context,
    "create table ValidPaths (path text primary key, deriver text) without rowid;",
  ).bytes;
  const wide = database(context, `pragma encoding = 'UTF-16le';\n${schema}`).bytes;
  for (const bytes of [
    other,
    rowless,
    wide,
    new Uint8Array(Buffer.from("SQLite format 3\0")),
    new Uint8Array(4096),
  ])
    assert.throws(() => pathsOfDatabase(bytes, null, []), { code: "malformed" });
  const good = database(context, `${schema}${chain(2)}`).bytes;
  assert.throws(() => pathsOfDatabase(good, null, [path(9)]), { code: "not-found" });
  const bad = database(
    context,
    `${schema}insert into ValidPaths values (1, '/etc/passwd', '', 0, null, 1, 1, null, null);`,
  );
  assert.throws(() => pathsOfDatabase(bad.bytes, null, []), { code: "malformed" });
});

test("pages that lead in a circle, and cells that share their bytes, end", (context) => {
  const { bytes } = database(context, `pragma page_size = 512;\n${schema}${chain(400)}`);
  const page = Buffer.from(bytes);
  const root = [...tableOf(new Pages(bytes, null), "ValidPaths").rows()].length;
  assert.equal(root, 400);
  // The children of every interior page of a table are set to itself.
  for (let number = 2; number * 512 <= page.length; number++) {
    const at = (number - 1) * 512;
    if (page[at] === 0x05) page.writeUInt32BE(number, at + 8);
  }
  assert.throws(() => pathsOfDatabase(new Uint8Array(page), null, []), /circle|page/);
  // Every cell of every leaf points to the first one: as many rows as there are pointers, all the same bytes.
  const shared = Buffer.from(bytes);
  for (let number = 2; number * 512 <= shared.length; number++) {
    const at = (number - 1) * 512;
    if (shared[at] !== 0x0d) continue;
    for (let cell = 1; cell < shared.readUInt16BE(at + 3); cell++)
      shared.copyWithin(at + 8 + 2 * cell, at + 8, at + 10);
  }
  assert.ok(pathsOfDatabase(new Uint8Array(shared), null, []).length <= 400);
});

test(
  "mutated, cut and filled files: an answer or a NixsealError, at once",
  { timeout: 60_000 },
  (context) => {
    const { bytes, log } = database(
      context,
      `pragma page_size = 512; pragma journal_mode = wal; pragma wal_autocheckpoint = 0;\n${schema}${chain(60)} pragma wal_checkpoint; insert into ValidPaths values (99, '${path(99)}', '', 0, null, 1, 1, hex(zeroblob(900)), null);`,
    );
    const asked = (database_: Uint8Array, log_: Uint8Array | null): void => {
      try {
        pathsOfDatabase(database_, log_, []);
        pathsOfDatabase(database_, log_, [path(1)]);
      } catch (error) {
        assert.ok(error instanceof NixsealError, String(error));
      }
    };
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(), fc.oneof(fc.nat(255), fc.constantFrom(0, 5, 13, 0xff, 0x7f))), {
          minLength: 1,
          maxLength: 12,
        }),
        fc.boolean(),
        fc.boolean(),
        (changes, inLog, cut) => {
          const [one, two] = [new Uint8Array(bytes), log === null ? null : new Uint8Array(log)];
          const changed = inLog && two !== null ? two : one;
          for (const [place, byte] of changes) changed[place % changed.length] = byte;
          const end = changes[0]![0] % one.length;
          asked(cut ? one.subarray(0, end) : one, two);
        },
      ),
      { numRuns: 1500 },
    );
  },
);
