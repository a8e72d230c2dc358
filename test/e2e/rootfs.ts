// The file tree that every test host starts from: a small Debian with systemd and sshd, built once by
// mmdebstrap and kept in the user's cache under a hash of what it was built from.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { appendFileSync, utimesSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./command.ts";
import { contained } from "./contained.ts";

const suite = "trixie";

/** libstdc++6 and libatomic1 are for the machine's own node, which is mounted into the hosts. */
const packages = [
  "dbus",
  "iproute2",
  "libatomic1",
  "libpam-systemd",
  "libstdc++6",
  "openssh-server",
  "procps",
  "systemd",
  "systemd-sysv",
];

/** What only costs time at boot or reaches for hardware that a container does not have. */
const masked = [
  "apt-daily.timer",
  "apt-daily-upgrade.timer",
  "console-getty.service",
  "dev-hugepages.mount",
  "dev-mqueue.mount",
  "dpkg-db-backup.timer",
  "e2scrub_all.timer",
  "e2scrub_reap.service",
  "fstrim.timer",
  "getty-static.service",
  "getty@.service",
  "modprobe@.service",
  "serial-getty@.service",
  "sys-kernel-config.mount",
  "sys-kernel-debug.mount",
  "sys-kernel-tracing.mount",
  "systemd-firstboot.service",
  "systemd-networkd-wait-online.service",
];

const week = 7 * 24 * 3600_000;

/** The path of the tree, which must not be written to; built when it is not in the cache. */
export async function rootfs(timeout: number): Promise<string> {
  const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "nixseal-e2e");
  mkdirSync(cache, { recursive: true, mode: 0o755 });
  const sources = debianSources();
  const recipe = createHash("sha256")
    .update(readFileSync(fileURLToPath(import.meta.url)))
    .update(sources);
  const tree = join(cache, `rootfs-${recipe.update(process.arch).digest("hex").slice(0, 16)}`);
  prune(cache);
  if (!existsSync(tree)) {
    process.stdout.write(`building the ${suite} root file system in ${tree} (about a minute)\n`);
    // Two runs may build at the same time: each builds aside, and the first one to finish is kept.
    const building = join(cache, `building-${process.pid}`);
    rmSync(building, { recursive: true, force: true });
    mkdirSync(building);
    try {
      await build(building, sources, timeout);
      if (!existsSync(tree)) renameSync(join(building, "tree"), tree);
    } finally {
      rmSync(building, { recursive: true, force: true });
    }
  }
  utimesSync(tree, new Date(), new Date());
  return tree;
}

/** Removes what killed builds left and trees that no run has used for a week. */
function prune(cache: string): void {
  for (const name of readdirSync(cache)) {
    const path = join(cache, name);
    const pid = /^building-(\d+)$/.exec(name)?.[1];
    const stale = name.startsWith("rootfs-") && Date.now() - statSync(path).mtimeMs > week;
    const abandoned = pid !== undefined && !existsSync(`/proc/${pid}`);
    if (stale || abandoned) rmSync(path, { recursive: true, force: true });
  }
}

/** The Debian archive that this machine itself uses, with the suite's name replaced. */
function debianSources(): string {
  const own = /^VERSION_CODENAME=(.*)$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1];
  if (own === undefined) throw new Error("/etc/os-release names no suite: the end-to-end tests need Debian");
  const directory = "/etc/apt/sources.list.d";
  const stanzas = readdirSync(directory)
    .filter((name) => name.endsWith(".sources"))
    .flatMap((name) => readFileSync(join(directory, name), "utf8").split(/\n\s*\n/))
    .filter((stanza) => /^Signed-By:.*debian-archive/m.test(stanza))
    .map((stanza) => stanza.replaceAll(/^#.*\n/gm, "").trim());
  const lines = existsSync("/etc/apt/sources.list") ? readFileSync("/etc/apt/sources.list", "utf8") : "";
  const text =
    stanzas.length > 0 ? stanzas.join("\n\n") : (lines.match(/^deb\s.*$/gm) ?? []).map(oneLine).join("\n\n");
  if (text === "") throw new Error("no Debian archive in /etc/apt: the end-to-end tests build a Debian");
  return `${text.replaceAll(new RegExp(`\\b${own}\\b`, "g"), suite)}\n`;
}

/** `deb [options] URI SUITE COMPONENT…` as the stanza that means the same; options are dropped. */
function oneLine(line: string): string {
  const [, uri, own, ...components] = line.replace(/\[[^\]]*\]/, "").split(/\s+/);
  return `Types: deb\nURIs: ${uri}\nSuites: ${own}\nComponents: ${components.join(" ")}`;
}

/** Makes `tree` in the directory; whatever else is made there is of no use afterwards. */
async function build(directory: string, sources: string, timeout: number): Promise<void> {
  const tree = join(directory, "tree");
  const sourcesFile = join(directory, "apt.sources");
  writeFileSync(sourcesFile, sources);
  const apt = (await run(["apt-config", "dump"]))
    .split("\n")
    .filter((line) => /^Acquire::(https?::|Retries|Check-)/.test(line))
    .map((line) => `--aptopt=${line.replace(/;$/, "")}`);
  const omitted = ["doc", "info", "locale", "man"].map(
    (name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`,
  );
  const options = ["--quiet", "--variant=minbase", "--format=directory", `--include=${packages.join(",")}`];
  await run([...contained, "mmdebstrap", ...options, ...apt, ...omitted, suite, tree, sourcesFile], {
    timeout,
    // What a killed build leaves there goes with the directory.
    env: { ...process.env, TMPDIR: directory },
  });
  for (const name of readdirSync(join(tree, "etc/ssh"))) {
    if (name.startsWith("ssh_host_")) rmSync(join(tree, "etc/ssh", name));
  }
  rmSync(join(tree, "etc/hostname"), { force: true });
  writeFileSync(join(tree, "etc/machine-id"), "");
  appendFileSync(
    join(tree, "etc/ssh/sshd_config.d/nixseal.conf"),
    "HostKey /etc/ssh/ssh_host_ed25519_key\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n",
  );
  mkdirSync(join(tree, "etc/systemd/journald.conf.d"));
  writeFileSync(
    join(tree, "etc/systemd/journald.conf.d/nixseal.conf"),
    "[Journal]\nStorage=persistent\nSystemMaxUse=16M\nAudit=no\n",
  );
  const systemctl = ["systemctl", `--root=${tree}`, "--quiet"];
  await run([...systemctl, "enable", "ssh.service", "systemd-networkd.service"]);
  await run([...systemctl, "set-default", "multi-user.target"]);
  await run([...systemctl, "mask", ...masked]);
  // Says that /etc and /var match /usr, to the nanosecond: else each first boot rebuilds caches.
  await run([
    "touch",
    `--reference=${join(tree, "usr")}`,
    join(tree, "etc/.updated"),
    join(tree, "var/.updated"),
  ]);
}
