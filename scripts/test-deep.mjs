// `npm run test:deep`: what needs virtual machines with a kernel, a TPM or firmware of their own. Not in CI.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { run, setUp, top } from "./setup.mjs";

setUp();
const directory = join(top, "dist/test/deep");
const files = readdirSync(directory).filter((name) => name.endsWith(".test.js"));
run(process.execPath, ["--test", ...files.map((name) => join(directory, name))]);
