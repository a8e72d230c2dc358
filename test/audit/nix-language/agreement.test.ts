/** The parser beside `nix-instantiate --parse`: the same files accepted, and understood alike. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { parseNix } from "../../../src/audit/nix-language/parser.ts";
import { NixsealError } from "../../../src/core/errors.ts";
import { top } from "../../console.ts";
import { StockNix } from "../../support/stock-nix.ts";
import { canonical } from "./canonical.ts";
import { operatorChain, source } from "./generate.ts";
import { nixForm } from "./nix-form.ts";
import { stockParse, type Judgement } from "./stock-parse.ts";

const vectors = join(top, "test/vectors/nix-language");
const nix = new StockNix();
after(() => nix.remove());

const vectorsIn = (kind: string): string[] =>
  readdirSync(join(vectors, kind)).map((name) => join(vectors, kind, name));

function accepts(bytes: Uint8Array): boolean {
  try {
    parseNix(bytes);
    return true;
  } catch (error) {
    assert.ok(error instanceof NixsealError, String(error));
    assert.equal(error.code, "malformed");
    assert.ok(error.where?.line !== undefined && error.where.column !== undefined);
    return false;
  }
}

function assertSameForm(file: string, judgement: Judgement | undefined, directory: string): void {
  assert.equal(judgement?.accepted, true, `${file}: ${judgement?.message}`);
  const form = nixForm(parseNix(readFileSync(file)), { directory, home: nix.directory });
  assert.notEqual(judgement?.form, null, `${file} has an undefined variable`);
  assert.equal(canonical(form), canonical(judgement?.form ?? ""), readFileSync(file, "utf8"));
}

/** Writes one file a text; Nix reads them all at once. */
function written(name: string, texts: readonly (string | Uint8Array)[]): string[] {
  const directory = nix.path(name);
  mkdirSync(directory);
  return texts.map((text, index) => {
    const file = join(directory, `${index}.nix`);
    writeFileSync(file, text);
    return file;
  });
}

test("what Nix accepts is accepted and understood alike", () => {
  const files = vectorsIn("accept");
  assert.ok(files.length > 50);
  const judgements = stockParse(nix, files, "accepted");
  for (const file of files) assertSameForm(file, judgements.get(file), join(vectors, "accept"));
});

test("what newer Nix accepts is accepted", () => {
  for (const file of vectorsIn("accept-newer")) assert.ok(accepts(readFileSync(file)), file);
});

test("what Nix rejects is rejected, with a place", () => {
  const files = vectorsIn("reject");
  assert.ok(files.length > 100);
  const judgements = stockParse(nix, files, "refused");
  for (const file of files) {
    assert.equal(judgements.get(file)?.accepted, false, `Nix takes ${file}`);
    assert.equal(accepts(readFileSync(file)), false, file);
  }
});

test("NUL bytes are rejected, at which old Nix stops reading", () => {
  const files = vectorsIn("reject-stricter");
  const judgements = stockParse(nix, files, "accepted");
  for (const file of files) {
    assert.equal(judgements.get(file)?.accepted, true, file);
    assert.equal(accepts(readFileSync(file)), false, file);
  }
});

test("generated expressions are understood alike", () => {
  // `with` makes every variable defined as far as Nix's check goes.
  const texts = fc.sample(source, 300).map((text) => `with { }; ${text}`);
  const files = written(
    "generated",
    texts.filter((text) => accepts(Buffer.from(text))),
  );
  assert.ok(files.length > 250, `only ${files.length} of 300 are valid`);
  const judgements = stockParse(nix, files, "accepted");
  for (const file of files) assertSameForm(file, judgements.get(file), nix.path("generated"));
});

test("operators bind alike", () => {
  const chain = operatorChain(fc.constantFrom("a", "b", "c", "1"));
  const texts = fc.sample(chain, 400).map((text) => `with { }; ${text}`);
  const good = texts.filter((text) => accepts(Buffer.from(text)));
  const bad = texts.filter((text) => !good.includes(text)).slice(0, 20);
  const files = written("operators", good);
  const judgements = stockParse(nix, files, "accepted");
  for (const file of files) assertSameForm(file, judgements.get(file), nix.path("operators"));
  const refused = written("operators-refused", bad);
  for (const [file, { accepted }] of stockParse(nix, refused, "refused"))
    assert.equal(accepted, false, readFileSync(file, "utf8"));
});

test("files with a byte changed, lost or doubled are judged alike", () => {
  const seeds = vectorsIn("accept").map((file) => readFileSync(file));
  const interesting = Buffer.from("{}[]()\"'$;:.,=?@!-+*/<>|&# \n\\aor1~");
  const mutant = fc
    .record({
      seed: fc.constantFrom(...seeds),
      at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      byte: fc.constantFrom(...interesting),
      kind: fc.constantFrom("change", "lose", "insert", "double", "cut"),
    })
    .map(({ seed, at, byte, kind }) => {
      const offset = Math.floor(at * seed.length);
      const [before, behind] = [seed.subarray(0, offset), seed.subarray(offset)];
      const rest = behind.subarray(1);
      if (kind === "cut") return before;
      if (kind === "lose") return Buffer.concat([before, rest]);
      if (kind === "double") return Buffer.concat([before, behind.subarray(0, 1), behind]);
      return Buffer.concat([before, Buffer.of(byte), kind === "insert" ? behind : rest]);
    })
    // Pipes are newer than the Nix that is compared with, but only these mutants could make one.
    .filter((bytes) => !bytes.includes("|>") && !bytes.includes("<|"));
  const mutants = fc.sample(mutant, 250);
  const ours = mutants.map(accepts);
  const good = written(
    "mutants-good",
    mutants.filter((_, index) => ours[index]),
  );
  const bad = written("mutants-bad", mutants.filter((_, index) => !ours[index]).slice(0, 40));
  for (const [file, { accepted, message }] of stockParse(nix, good, "accepted"))
    assert.ok(accepted, `Nix refuses: ${message}\n${readFileSync(file, "utf8")}`);
  for (const [file, { accepted }] of stockParse(nix, bad, "refused"))
    assert.equal(accepted, false, `Nix takes:\n${readFileSync(file, "utf8")}`);
});
