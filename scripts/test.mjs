// `npm test`: set-up, then every check that needs no real host. Stops at the first that fails.
import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { programs, run, setUp, top } from "./setup.mjs";

const bin = (name) => join(top, "node_modules/.bin", name);

function step(name, program, args) {
  const began = Date.now();
  console.log(`\n== ${name}`);
  run(program, args);
  console.log(`== ${name}: ok, ${((Date.now() - began) / 1000).toFixed(1)} s`);
}

/** Servers, shells and a desktop that the tests run things against. */
const peers = {
  busctl: "systemd",
  cvtsudoers: "sudo",
  dash: "dash",
  "dbus-daemon": "dbus-daemon",
  dunst: "dunst",
  etcd: "etcd-server",
  etcdctl: "etcd-client",
  fish: "fish",
  logger: "bsdutils",
  sqlite3: "sqlite3",
  "systemd-analyze": "systemd",
  Xvfb: "xvfb",
  zsh: "zsh",
};

setUp({ ...programs, ...peers }); // compiles too: a type error ends it here
step("format", bin("oxfmt"), ["--check"]);
step("lint", bin("oxlint"), ["--type-aware", "--deny-warnings"]);
step("dead code", bin("knip"), []);
step("package", bin("publint"), ["--strict"]);
// Many tests wait for other programs: one file a core more than Node would take.
step("tests", process.execPath, [
  "--test",
  `--test-concurrency=${availableParallelism() + 1}`,
  ...testFiles(),
]);

function testFiles() {
  const dist = join(top, "dist");
  return readdirSync(dist, { recursive: true })
    .filter((path) => path.endsWith(".test.js") && !/^test.(e2e|deep)/.test(path))
    .sort()
    .map((path) => join(dist, path));
}
