// `npm run demo`: the main job on a throw-away fleet with two host roots. Sets itself up, tells what it does, shows
// what is refused, and leaves nothing behind. A step that does not do what its line says ends the demo with 1.
import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  lutimesSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { startSshd } from "./demo-sshd.mjs";
import { setUp, top } from "./setup.mjs";

setUp();
const base = mkdtempSync(join(tmpdir(), "nixseal-demo-"));
process.on("exit", () => {
  // What Nix has put into a store nobody but root may remove as it is.
  spawnSync("chmod", ["-R", "u+w", base]);
  rmSync(base, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(130));

const fleet = join(base, "fleet");
const home = join(base, "home");
const env = {
  PATH: `${join(top, "bin")}:${process.env.PATH}`,
  HOME: home,
  LANG: "C.UTF-8",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_SYSTEM: "/dev/null",
};
const root = (host) => join(base, "roots", host);

/** Runs a command of the story; `expect` is its exit code. Gives stdout and stderr together. */
function run(argv, { input = "", expect = 0, cwd = fleet } = {}) {
  const [program, ...args] = argv;
  const result = spawnSync(program, args, { cwd, env, input, encoding: "utf8" });
  const output = `${result.stdout}${result.stderr}`;
  if (result.status !== expect) {
    console.error(`\n${argv.join(" ")}: exit code ${result.status}, expected ${expect}\n${output}`);
    process.exit(1);
  }
  return output;
}

function must(condition, what) {
  if (condition) return;
  console.error(`\nnot as told: ${what}`);
  process.exit(1);
}

const chapter = (title) => console.log(`\n${title}`);
const say = (line) => console.log(`  ${line}`);
const show = (line, output) => {
  console.log(`  $ ${line}`);
  for (const row of output.trimEnd().split("\n").slice(0, 8)) console.log(`    ${row}`);
};
const value = (host, name) => readFileSync(join(root(host), "run/nixseal/secrets", name), "utf8");
const install = (host, expect = 0) =>
  run(
    ["nixseal-agent", "secrets", "install", "--manifest", join(fleet, `${host}.json`), "--root", root(host)],
    { expect },
  );
const manifests = () => {
  for (const host of ["web", "db"])
    writeFileSync(join(fleet, `${host}.json`), run(["nixseal", "secrets", "manifest", host]));
};

chapter("A fleet of two hosts, web and db, and one member, alice");
mkdirSync(join(home, ".ssh"), { recursive: true, mode: 0o700 });
mkdirSync(fleet);
run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "alice", "-f", join(home, ".ssh/id_ed25519")]);
run(["nixseal", "init", "--name", "demo", "--member", "alice"]);
for (const host of ["web", "db"]) {
  const key = join(root(host), "etc/ssh/ssh_host_ed25519_key");
  mkdirSync(join(root(host), "etc/ssh"), { recursive: true });
  writeFileSync(join(root(host), "etc/passwd"), "root:x:0:0::/root:/bin/sh\n");
  writeFileSync(join(root(host), "etc/group"), "root:x:0:\n");
  run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", host, "-f", key]);
  run([
    "nixseal",
    "host",
    "add",
    host,
    `${host}.example.org`,
    "--host-key",
    readFileSync(`${key}.pub`, "utf8").trim(),
  ]);
}
show("nixseal host list", run(["nixseal", "host", "list"]));

chapter("Three secrets, declared in fleet.toml and encrypted to their hosts' SSH keys");
appendFileSync(
  join(fleet, "fleet.toml"),
  `
[secrets.db-password]
hosts = ["db"]

[secrets.session-key]
hosts = ["web"]
restart = ["web.service"]

[secrets.backup-token]
hosts = ["web", "db"]
`,
);
for (const name of ["db-password", "session-key", "backup-token"])
  run(["nixseal", "secrets", "set", name], { input: `${name} one` });
show("nixseal secrets list", run(["nixseal", "secrets", "list"]));
show("nixseal secrets check", run(["nixseal", "secrets", "check"]));

chapter("Each host installs what is its own, with the key that it has anyway");
manifests();
for (const host of ["web", "db"]) install(host);
must(value("web", "session-key") === "session-key one", "web has its session key");
must((statSync(join(root("web"), "run/nixseal/secrets/session-key")).mode & 0o777) === 0o400, "mode 0400");
for (const host of ["web", "db"])
  say(
    `${host} has ${readdirSync(join(root(host), "run/nixseal/secrets"))
      .filter((name) => !name.startsWith("."))
      .join(", ")}`,
  );

chapter("Refused: the key of web cannot read a secret of db");
const foreign = run(
  [
    "nixseal",
    "age",
    "decrypt",
    "-i",
    join(root("web"), "etc/ssh/ssh_host_ed25519_key"),
    join(fleet, "secrets/db-password.age"),
  ],
  { expect: 4 },
);
show("nixseal age decrypt -i WEB_KEY secrets/db-password.age", foreign);

chapter("A reboot: what was in memory is gone, and is there again with no hand");
rmSync(join(root("web"), "run"), { recursive: true });
install("web");
must(value("web", "session-key") === "session-key one", "the value is there after the reboot");
say(`session-key of web: ${value("web", "session-key")}`);

chapter("A new value: only that file changes, only its unit would restart");
const former = readFileSync(join(fleet, "web.json"), "utf8");
const formerCiphertext = readFileSync(join(fleet, "secrets/session-key.age"));
const before = statSync(join(root("web"), "run/nixseal/secrets/backup-token")).ino;
run(["nixseal", "secrets", "set", "session-key"], { input: "session-key two" });
manifests();
show("nixseal-agent secrets install --manifest web.json --root WEB", install("web"));
must(value("web", "session-key") === "session-key two", "the new value is installed");
must(
  statSync(join(root("web"), "run/nixseal/secrets/backup-token")).ino === before,
  "the other file is the same inode",
);

chapter("Refused: a ciphertext that was altered; the last good value stays, the others go on");
const good = readFileSync(join(fleet, "secrets/session-key.age"), "utf8");
writeFileSync(
  join(fleet, "secrets/session-key.age"),
  good.replace(/[a-z](?=[^]{0,80}-----END)/, (letter) => (letter === "a" ? "b" : "a")),
);
show("nixseal-agent secrets install --manifest web.json --root WEB", install("web", 3));
must(value("web", "session-key") === "session-key two", "the last good value stays");
writeFileSync(join(fleet, "secrets/session-key.age"), good);

chapter("Rolled back like any other configuration: the former generation brings the former value");
writeFileSync(join(fleet, "web.json"), former);
const current = readFileSync(join(fleet, "secrets/session-key.age"));
writeFileSync(join(fleet, "secrets/session-key.age"), formerCiphertext);
install("web");
must(value("web", "session-key") === "session-key one", "the former value is back");
say(`session-key of web: ${value("web", "session-key")}`);
writeFileSync(join(fleet, "secrets/session-key.age"), current);

chapter("A member joins: rekey touches what has to change and nothing else; a check in CI needs no key");
run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "bob", "-f", join(base, "bob")]);
run(["nixseal", "member", "add", "bob", "--key", join(base, "bob.pub")]);
show("nixseal secrets check", run(["nixseal", "secrets", "check"], { expect: 1 }));
show("nixseal secrets rekey", run(["nixseal", "secrets", "rekey"]));
show("nixseal secrets rekey", run(["nixseal", "secrets", "rekey"]));
run(["nixseal", "secrets", "check"]);

chapter("A signed history: who may sign stands in a file outside of the repository");
const signers = join(base, "signers");
writeFileSync(signers, `alice namespaces="git" ${readFileSync(join(home, ".ssh/id_ed25519.pub"), "utf8")}`);
const git = (...args) =>
  run(["git", "-c", "gpg.format=ssh", "-c", "user.name=demo", "-c", "user.email=demo@example.org", ...args]);
const commit = (key, message) => git("-c", `user.signingkey=${key}.pub`, "commit", "-q", "-S", "-m", message);
git("add", "-A");
commit(join(home, ".ssh/id_ed25519"), "a fleet with three secrets");
show("nixseal commits verify --signers SIGNERS", run(["nixseal", "commits", "verify", "--signers", signers]));

chapter("Refused: a commit of somebody who is not among the signers, however well signed");
run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "mallory", "-f", join(base, "mallory")]);
appendFileSync(join(fleet, "fleet.toml"), "# harmless\n");
git("add", "-A");
commit(join(base, "mallory"), "a small clean-up");
show(
  "nixseal commits verify --signers SIGNERS",
  run(["nixseal", "commits", "verify", "--signers", signers], { expect: 4 }),
);
git("reset", "-q", "--hard", "HEAD^");

chapter("A root for the fleet, and a gate on web: from here on nothing activates there without a warrant");
run(["nixseal", "trust", "init"]);
run(["nixseal", "trust", "issue", "alice", "--rights", "activate,upload", "--hosts", "*", "--for", "12h"]);
const bin = join(base, "bin");
mkdirSync(bin);
const executable = (name, text) => writeFileSync(join(bin, name), text, { mode: 0o755 });
executable("agent-on-web", `#!/bin/sh\nexec nixseal-agent "$@" --root "${root("web")}"\n`);
// What sshd does with alice's key: the forced command of its line in authorized_keys, without a network between.
executable(
  "ssh",
  `#!/bin/sh\nfor command; do :; done\nSSH_ORIGINAL_COMMAND="$command" exec ${bin}/agent-on-web receive --member alice\n`,
);
const stockPath = env.PATH;
env.PATH = `${bin}:${stockPath}`;
show(
  "nixseal host setup web --root WEB",
  run(["nixseal", "host", "setup", "web", "--root", root("web"), "--agent", join(bin, "agent-on-web")]),
);

const store = join(base, "store");
Object.assign(env, { NIX_REMOTE: `local?root=${store}`, NIX_CONF_DIR: join(base, "nix") });
mkdirSync(join(base, "nix"));
writeFileSync(join(base, "nix/nix.conf"), "experimental-features = nix-command\nbuild-users-group =\n");
/** Makes a path valid in the store below `top`; its name says nothing about its content, as with everything built. */
function add(top, path, file, content, references = []) {
  const real = join(top, path);
  rmSync(real, { recursive: true, force: true });
  mkdirSync(join(real, "bin"), { recursive: true });
  writeFileSync(join(real, "bin", file), content, { mode: 0o555 });
  for (const one of [join(real, "bin", file), join(real, "bin"), real]) lutimesSync(one, 1, 1);
  const size = spawnSync("nix-store", ["--dump", real], { env, maxBuffer: 64 << 20 }).stdout.length;
  const hash = run(["nix-hash", "--type", "sha256", real]).trim().split("\n").at(-1);
  const registration = [path, hash, size, "", references.length, ...references, ""].join("\n");
  run(["nix-store", "--store", top, "--load-db"], { input: registration });
  return path;
}
const named = (letter, name) => `/nix/store/${letter.repeat(32)}-${name}`;
const switching = (system, host = "web") => `#!/bin/sh
case $1 in
test) ln -sfn ${system} ${root(host)}/run/current-system ;;
boot) ln -sfn ${system} ${root(host)}/boot-entry ;;
esac
`;
const oldSystem = named("f", "nixos-system-web-1");
add(store, oldSystem, "switch-to-configuration", switching(oldSystem));
run(["nix", "copy", "--no-check-sigs", "--to", root("web"), oldSystem]);
symlinkSync(oldSystem, join(root("web"), "run/current-system"));
const sudo = add(store, named("s", "sudo-1.0"), "sudo", "#!/bin/sh\necho good\n");
const system = named("w", "nixos-system-web-2");
add(store, system, "switch-to-configuration", `${switching(system)}# uses ${sudo}\n`, [sudo]);
const sudoOnWeb = () =>
  readFileSync(join(root("web"), sudo, "bin/sudo"), "utf8")
    .trim()
    .split("\n")[1];
const running = (host = "web") => readlinkSync(join(root(host), "run/current-system"));

chapter("Refused: without a warrant stock nix copy brings nothing");
show(
  "nix copy --to ssh-ng://deploy@web SYSTEM",
  run(["nix", "copy", "--to", "ssh-ng://deploy@web", system], { expect: 1 }),
);

chapter("A warrant: alice signs the system with both of its paths, and the host hears of it");
run(["nixseal", "warrant", "create", "web", "--toplevel", system, "--store", store]);
const order = "warrants/web/0001.json";
show(`nixseal warrant sign ${order}`, run(["nixseal", "warrant", "sign", order, "--yes"]));
show(`nixseal gate offer ${order}`, run(["nixseal", "gate", "offer", order]));

chapter("Refused: a sudo that somebody planted on the host long ago, under the path that the system needs");
add(root("web"), sudo, "sudo", "#!/bin/sh\necho evil\n");
run(["nix", "copy", "--no-recursive", "--to", "ssh-ng://deploy@web", system]);
show(`nixseal gate activate ${order}`, run(["nixseal", "gate", "activate", order], { expect: 4 }));
must(running() === oldSystem, "the former system runs");
say(`sudo on web says: ${sudoOnWeb()}`);

chapter("Repaired: stock nix copy is told that the path is not there, and sends it again");
show("nix copy --to ssh-ng://deploy@web SYSTEM", run(["nix", "copy", "--to", "ssh-ng://deploy@web", system]));
must(sudoOnWeb() === "echo good", "the planted path is repaired");
say(`sudo on web says: ${sudoOnWeb()}`);

chapter("The warranted system activates, confirmed over a new connection; the host signs what it did");
show(`nixseal gate activate ${order}`, run(["nixseal", "gate", "activate", order]));
must(running() === system, "the new system runs");
must(readlinkSync(join(root("web"), "boot-entry")) === system, "and boots");

chapter("From a signed commit to running systems on two hosts, each with a gate behind a real sshd");
env.PATH = stockPath;
const identity = join(home, ".ssh/id_ed25519");
const runningOfDb = join(root("db"), "run/current-system");
executable(
  "db-answers",
  `#!/bin/sh\ngrep -q 5432 "${root("db")}$(readlink ${runningOfDb})/bin/switch-to-configuration"\n`,
);
const health = ["--health", JSON.stringify([join(bin, "db-answers")])];
run(["nixseal", "host", "setup", "db", "--root", root("db"), ...health]);
/** A system of db that answers on that port; db's health check asks for 5432. */
const systemOfDb = (letter, version, port) => {
  const path = named(letter, `nixos-system-db-${version}`);
  return add(store, path, "switch-to-configuration", `${switching(path, "db")}# answers on ${port}\n`);
};
const [firstOfDb, secondOfDb, brokenOfDb] = [
  systemOfDb("d", 1, 5432),
  systemOfDb("g", 2, 5432),
  systemOfDb("h", 3, 5423),
];
run(["nix", "copy", "--no-check-sigs", "--to", root("db"), firstOfDb]);
symlinkSync(firstOfDb, runningOfDb);
for (const host of ["web", "db"]) {
  const environment = `PATH=${stockPath} NIX_CONF_DIR=${join(base, "nix")} HOME=${root(host)}`;
  const port = await startSshd(root(host), {
    hostKey: join(root(host), "etc/ssh/ssh_host_ed25519_key"),
    publicKey: readFileSync(`${identity}.pub`, "utf8"),
    command: `env ${environment} nixseal-agent receive --root ${root(host)} --member alice`,
  });
  const toml = readFileSync(join(fleet, "fleet.toml"), "utf8");
  const address = `"127.0.0.1"\nport = ${port}\nuser = "${userInfo().username}"`;
  writeFileSync(join(fleet, "fleet.toml"), toml.replace(`"${host}.example.org"`, address));
}
const commitAll = (message) => {
  git("add", "-A");
  commit(identity, message);
};
/** Shows the table of what became of each host: what is said meanwhile comes behind it. */
const deploy = (systems, expect) => {
  const toplevels = Object.entries(systems).flatMap(([host, path]) => ["--toplevel", `${host}=${path}`]);
  const words = ["--signers", signers, "--identity", identity, "--store", store, "--yes"];
  const waves = ["--canary", "0", "--failures", "1"];
  const said = run(["nixseal", "deploy", "apply", "web", "db", ...words, ...waves, ...toplevels], { expect });
  show("nixseal deploy apply web db", said.slice(said.indexOf("HOST"), said.indexOf("\n\n")));
};
commitAll("a second system for db");
deploy({ web: system, db: secondOfDb }, 0);
must(running() === system && running("db") === secondOfDb, "both run what was ordered");

chapter("The next one breaks db: its health check fails, db returns by itself, web keeps the new system");
writeFileSync(join(fleet, "db.nix"), "{ port = 5423; }\n");
commitAll("another port for db");
const thirdOfWeb = named("x", "nixos-system-web-3");
add(store, thirdOfWeb, "switch-to-configuration", switching(thirdOfWeb));
deploy({ web: thirdOfWeb, db: brokenOfDb }, 3);
must(running() === thirdOfWeb, "web runs the new system");
must(running("db") === secondOfDb, "db runs its former system");
show("nixseal deploy status", run(["nixseal", "deploy", "status", "--identity", identity]));

chapter("What was decided and done stands in a log, and the hosts bear witness of it");
show("nixseal log verify", run(["nixseal", "log", "verify"]));

chapter("An audit of a fleet that is bad on purpose: each fault with its place and the way out");
const audited = (name) => {
  cpSync(join(top, "test/audit/fleets", name), join(base, name), { recursive: true });
  const lock = join(base, name, "flake.lock");
  const fresh = `"lastModified": ${Math.floor(Date.now() / 1000) - 86_400}`;
  if (name === "good")
    writeFileSync(
      lock,
      readFileSync(lock, "utf8")
        .replace(/"lastModified": \d+/, fresh)
        .replace(/nixos-\d\d\.\d\d/, "nixos-unstable"),
    );
  return join(base, name);
};
const bad = run(["nixseal", "audit", audited("bad"), "--fail-on", "high"], { expect: 1 });
show("nixseal audit bad --fail-on high", bad.slice(bad.indexOf("hosts/web.nix")));
say(
  `  … ${bad
    .trimEnd()
    .split("\n")
    .find((line) => / findings, /.test(line))}`,
);
must(
  !bad.includes("correct horse") && !bad.includes("battery staple"),
  "no secret is repeated in the report",
);

chapter("An audit of a good one: nothing found, nothing unknown");
show("nixseal audit good", run(["nixseal", "audit", audited("good")]));

chapter("Vulnerabilities of a closure: signed advisories, and what they cannot say is said too");
writeFileSync(
  join(base, "team.json"),
  JSON.stringify({
    id: "CVE-2026-1000",
    modified: "2026-01-01T00:00:00Z",
    summary: "an editor runs what it should show",
    affected: [
      {
        package: { ecosystem: "nixpkgs", name: "vim" },
        ranges: [{ type: "ECOSYSTEM", events: [{ introduced: "0" }, { fixed: "9.1" }] }],
      },
    ],
  }),
);
const key = join(home, ".ssh/id_ed25519");
const signer = (...roles) => roles.flatMap((role) => ["--key", `${role}=${key}.pub`]);
const roles = signer("root", "targets", "critical", "snapshot", "timestamp");
const advisories = (...words) => run(["nixseal", "advisories", ...words], { cwd: base });
advisories("import", "osv", "team.json");
advisories("root", "feed", "--feed", "demo", ...roles, "--key", `critical=${join(base, "bob")}.pub`);
advisories("sign", "feed", "root", "--key", key);
advisories("publish", "feed", "--collection", "advisories.jsonl");
advisories("sign", "feed", "--key", key);
advisories("sign", "feed", "--key", join(base, "bob"));
advisories("update", "feed", "--root", "feed/1.root.json");
const digest = "0".repeat(32);
writeFileSync(join(base, "closure"), `/nix/store/${digest}-vim-9.0\n/nix/store/${digest}-hello-2.12\n`);
show("nixseal audit closure", run(["nixseal", "audit", "closure"], { cwd: base, expect: 1 }));

chapter("Refused: yesterday's advisories; and advisories that are out of date are never called clean");
const seen = join(home, ".local/state/nixseal/advisories/seen.json");
const yesterday = readFileSync(join(base, "feed/timestamp.json"));
advisories("publish", "feed");
advisories("sign", "feed", "--key", key);
advisories("update", "feed");
writeFileSync(join(base, "feed/timestamp.json"), yesterday);
show(
  "nixseal advisories update feed",
  run(["nixseal", "advisories", "update", "feed"], { cwd: base, expect: 4 }),
);
writeFileSync(
  seen,
  readFileSync(seen, "utf8").replace(/"expires":"[^"]*"/, '"expires":"2020-01-01T00:00:00Z"'),
);
writeFileSync(join(base, "closure"), `/nix/store/${digest}-vim-9.1\n`);
show("nixseal audit closure", run(["nixseal", "audit", "closure"], { cwd: base, expect: 5 }));

console.log("\nDone. Nothing is left behind.");
