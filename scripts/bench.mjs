// `npm run bench [NAME…]`: runs bench/*.bench.ts one after another and prints each figure beside its peer.
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { programs, setUp, top } from "./setup.mjs";

setUp({ ...programs, openssl: "openssl", time: "time" });
// What is told to Node itself would be measured too: a file of more certificates costs it 40 ms at each start.
for (const name of Object.keys(process.env)) if (name.startsWith("NODE_")) delete process.env[name];
const wanted = process.argv.slice(2);
const directory = join(top, "dist/bench");
const names = readdirSync(directory)
  .filter((name) => name.endsWith(".bench.js"))
  .map((name) => basename(name, ".bench.js"))
  .filter((name) => wanted.length === 0 || wanted.includes(name));

for (const name of names) {
  const { bench } = await import(pathToFileURL(join(directory, `${name}.bench.js`)).href);
  const result = await bench();
  console.log(`\n${result.name}`);
  for (const { what, value, unit, beside, ratio } of result.figures) {
    const compared = ratio === undefined ? "" : `  ratio ${ratio.toFixed(2)}`;
    console.log(
      `  ${what}: ${value < 10 ? value.toFixed(2) : Math.round(value)} ${unit} (${beside})${compared}`,
    );
  }
}
