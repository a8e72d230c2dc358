/** Reports and exports held against the schemas and validators that others have published for these formats. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";
import * as csafMandatory from "@secvisogram/csaf-validator-lib/mandatoryTests.js";
import { csaf_2_0 as csafSchema } from "@secvisogram/csaf-validator-lib/schemaTests.js";
import validateCsaf from "@secvisogram/csaf-validator-lib/validate.js";
import Ajv04 from "ajv-draft-04";
import addFormats from "ajv-formats";
import { Collection } from "../../src/audit/advisories/collection.ts";
import { toCsaf } from "../../src/audit/advisories/export/csaf.ts";
import { importers } from "../../src/audit/advisories/import/importers.ts";
import { sarifReport } from "../../src/audit/reporters/sarif.ts";
import { vexReport } from "../../src/audit/reporters/vex.ts";
import { parsed } from "../support/advisory-records.ts";
import { hostileReport, vulnerableReport } from "../support/hostile-reports.ts";

const require = createRequire(import.meta.url);

test("SARIF 2.1.0: the published schema accepts a report of a repository and one of a closure", async () => {
  const schema = require.resolve("@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json");
  const ajv = new Ajv04.default({ strict: false, allErrors: true, unicodeRegExp: false });
  addFormats.default(ajv);
  const validate = ajv.compile(JSON.parse(readFileSync(schema, "utf8")) as object);
  for (const report of [await hostileReport(), vulnerableReport()]) {
    validate(JSON.parse(sarifReport(report)));
    assert.deepEqual(validate.errors ?? [], []);
  }
  assert.equal(validate({ version: "2.1.0", runs: [{ results: [] }] }), false);
});

test("CycloneDX 1.6: the published schema accepts a VEX report, strictly", async () => {
  const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
  assert.equal(await validator.validate(vexReport(vulnerableReport())), null);
  assert.notEqual(await validator.validate('{"bomFormat":"CycloneDX","specVersion":"1.6","x":1}'), null);
});

test("CSAF 2.0: schema and mandatory tests of the validator accept an export", async () => {
  const collection = new Collection();
  for (const kind of ["nvd", "cve5", "osv", "vex"] as const)
    collection.add(parsed(kind), { known: importers[kind].known });
  const publisher = { name: "x", namespace: "https://example.org" };
  const document = toCsaf(collection.sorted(), publisher, "id", "2024-01-01T00:00:00Z");
  const tests = [csafSchema, ...Object.values(csafMandatory)];
  const failed = async (one: unknown) =>
    (await validateCsaf(tests, one)).tests.filter(({ isValid }) => !isValid);
  assert.deepEqual(await failed(document), []);
  assert.notDeepEqual(await failed({ ...document, vulnerabilities: [{}] }), []);
});
