// What a fresh clone needs before anything runs: npm packages, a build, and programs of the distribution.
// Each step says what it does and does nothing when nothing is missing.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const top = dirname(dirname(fileURLToPath(import.meta.url)));

/** Programs that tests and demo run, and the Debian package that brings each. */
export const programs = {
  "ssh-keygen": "openssh-client",
  "ssh-keyscan": "openssh-client",
  sshd: "openssh-server",
  git: "git",
  gpg: "gnupg",
  flock: "util-linux",
  age: "age",
  openssl: "openssl",
  "nix-instantiate": "nix-bin",
};

let deadline = Infinity;

/** Whatever `run` starts is ended at that time (milliseconds since 1970). */
export function endBefore(time) {
  deadline = time;
}

/** Runs a program with its output on ours; ends this script when it fails. */
export function run(program, args, options = {}) {
  const timeout = deadline === Infinity ? undefined : Math.max(1, deadline - Date.now());
  const { status, error } = spawnSync(program, args, { stdio: "inherit", cwd: top, timeout, ...options });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

export function onPath(program) {
  const places = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return places.some((place) => existsSync(join(place, program)));
}

export function setUp(wanted = programs) {
  installPackages();
  build();
  installPrograms(wanted);
}

function installPackages() {
  const lock = createHash("sha256")
    .update(readFileSync(join(top, "package-lock.json")))
    .digest("hex");
  const stamp = join(top, "node_modules", ".nixseal-lock");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  console.log("set-up: npm packages (npm ci)");
  run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
  writeFileSync(stamp, lock);
}

function build() {
  run(process.execPath, [join(top, "scripts/build.mjs")]);
}

function installPrograms(wanted) {
  const missing = Object.keys(wanted).filter((program) => !onPath(program));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((program) => wanted[program]))];
  if (!onPath("apt-get")) {
    console.error(
      `set-up: please install ${missing.join(", ")} (for example: nix-shell -p age git openssh util-linux)`,
    );
    process.exit(2);
  }
  console.log(`set-up: installing ${packages.join(", ")} with apt-get`);
  const [program, ...before] = process.getuid?.() === 0 ? ["apt-get"] : ["sudo", "apt-get"];
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const quiet = { env, stdio: ["ignore", "ignore", "inherit"] };
  const bounded = [...before, "-o", "DPkg::Lock::Timeout=300", "-qq"];
  run(program, [...bounded, "update"], quiet);
  run(program, [...bounded, "install", "-y", "--no-install-recommends", ...packages], quiet);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) setUp();
