import assert from "node:assert/strict";
import {
  appendFileSync,
  mkdirSync,
  chmodSync,
  chownSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { agent, deployUid, keyBlob, soundHost, type SoundHost } from "../../test/support/doctor-host.ts";
import { top } from "../../test/console.ts";
import { noon, pathOf } from "../../test/support/warrants.ts";
import type { DoctorHost } from "./host.ts";
import { examine } from "./doctor.ts";

/** Never seen a revocation list: true of a new host, and no more than low. */
const usual = "low krl-age";

async function idsOf(host: DoctorHost): Promise<string[]> {
  const findings = await examine(host);
  return findings.map(({ severity, id, verdict }) => `${verdict === "unknown" ? "? " : ""}${severity} ${id}`);
}

test("a host that is set up as it should be has no findings", async (t) => {
  const host = await soundHost(t);
  assert.deepEqual(
    await examine(await host.view()).then((all) => all.filter(({ id }) => id !== "krl-age")),
    [],
  );
  assert.deepEqual(await idsOf(await host.view()), [usual]);
});

type Change = (host: SoundHost) => void;

const append =
  (path: string, text: string): Change =>
  ({ root }) => {
    chmodSync(join(root, path), 0o600);
    appendFileSync(join(root, path), text);
  };
const replace =
  (path: string, from: string | RegExp, to: string): Change =>
  ({ root }) => {
    const file = join(root, path);
    const text = readFileSync(file, "utf8");
    assert.notEqual(text.replace(from, to), text, "the change must change something");
    writeFileSync(file, text.replace(from, to));
  };
const mode =
  (path: string, bits: number): Change =>
  ({ root }) =>
    chmodSync(join(root, path), bits);
const owner =
  (path: string): Change =>
  ({ root }) =>
    chownSync(join(root, path), deployUid, deployUid);

const nix = "/etc/nix/nix.conf";
const sudoers = "/etc/sudoers.d/nixseal";
const sshd = "/etc/ssh/sshd_config";
const keys = "/etc/nixseal/authorized_keys";
const memberKey = `alice:${Buffer.alloc(32, 7).toString("base64")}`;

const changes: readonly [what: string, found: string, change: Change][] = [
  ["a trusted user", "critical nix-trusted-users", append(nix, "extra-trusted-users = deploy\n")],
  [
    "a trusted group in an included file",
    "critical nix-trusted-users",
    append("/etc/nix/nixseal.conf", "trusted-users = root @wheel\n"),
  ],
  [
    "root's own configuration",
    "critical nix-trusted-users",
    ({ write }) => write("/root/.config/nix/nix.conf", "trusted-users = *\n"),
  ],
  ["a member's key", "critical nix-trusted-keys", append(nix, `extra-trusted-public-keys = ${memberKey}\n`)],
  ["no signatures", "critical nix-require-sigs", append(nix, "require-sigs = false\n")],
  [
    "a trusted substituter",
    "critical nix-require-sigs",
    append(nix, "substituters = http://cache.lan?trusted=1\n"),
  ],
  ["no sandbox", "medium nix-sandbox", append(nix, "sandbox = relaxed\n")],
  [
    "a key that signs every build",
    "high nix-secret-key-files",
    append(nix, "secret-key-files = /etc/nix/secret\n"),
  ],
  ["a configuration that nobody understands", "? medium nix", append(nix, "trusted-users root\n")],
  ["a missing include", "? medium nix", append(nix, "include none.conf\n")],
  ["sudo for everything", "critical sudo-rules", append(sudoers, "deploy ALL=(ALL) NOPASSWD: ALL\n")],
  [
    "sudo for a group",
    "critical sudo-rules",
    ({ write }) => {
      write("/etc/group", "wheel:x:1:alice,deploy\n");
    },
  ],
  [
    "the known wildcard rule",
    "critical sudo-rules",
    append(
      sudoers,
      "deploy ALL=(root) NOPASSWD: /run/current-system/sw/bin/nix-env -p /nix/var/nix/profiles/system --set /nix/store/*\n",
    ),
  ],
  [
    "a wildcard in the program",
    "critical sudo-rules",
    append(sudoers, "deploy ALL=(root) NOPASSWD: /nix/store/*/bin/switch-to-configuration switch\n"),
  ],
  [
    "wildcard by alias",
    "critical sudo-rules",
    append(
      sudoers,
      "Cmnd_Alias NIX = /bin/a *, \\\n /bin/b\nUser_Alias OPS = alice, deploy\nOPS ALL = (root) NOPASSWD: NIX\n",
    ),
  ],
  ["any arguments", "high sudo-rules", append(sudoers, `deploy ALL=(root) NOPASSWD: ${agent}\n`)],
  ["a shell", "high sudo-rules", append(sudoers, "deploy ALL=(root) /bin/sh /root/x\n")],
  ["the environment", "critical sudo-rules", replace(sudoers, "NOPASSWD:", "NOPASSWD: SETENV:")],
  [
    "a wildcard for others",
    "high sudo-rules",
    append(sudoers, "ci ALL=(root) NOPASSWD: /nix/store/*/bin/switch-to-configuration *\n"),
  ],
  ["a netgroup", "? medium sudo-rules", append(sudoers, "+ops ALL=(root) NOPASSWD: /bin/ls /root\n")],
  ["sudoers that nobody understands", "? medium sudo-rules", append(sudoers, "deploy\n")],
  ["an include that is not there", "? medium sudo-rules", append(sudoers, "@include /etc/none\n")],
  ["doas", "critical sudo-rules", ({ write }) => write("/etc/doas.conf", "permit nopass deploy as root\n")],
  ["root logs in", "high ssh-root-login", replace(sshd, "PermitRootLogin no", "PermitRootLogin yes")],
  ["root logs in by default", "medium ssh-root-login", replace(sshd, "PermitRootLogin no\n", "")],
  ["users' environment", "high ssh-environment", append(sshd, "PermitUserEnvironment yes\n")],
  ["clients' environment", "critical ssh-environment", append(sshd, "AcceptEnv NODE_*\n")],
  [
    "passwords",
    "medium ssh-passwords",
    replace("/etc/ssh/sshd_config.d/10-nixseal.conf", "AuthenticationMethods publickey", "PermitTTY no"),
  ],
  [
    "a login CA",
    "high ssh-certificates",
    replace(
      "/etc/ssh/sshd_config.d/10-nixseal.conf",
      "TrustedUserCAKeys none",
      "TrustedUserCAKeys /etc/ssh/ca",
    ),
  ],
  ["keys of a program", "? medium ssh-authorized-keys", append(sshd, "AuthorizedKeysCommand /bin/keys\n")],
  [
    "a setting under a condition",
    "? medium ssh",
    append(sshd, "Match Address 10.0.0.0/8\nPermitRootLogin yes\n"),
  ],
  ["a key with a shell", "critical ssh-authorized-keys", append(keys, `${keyBlob} mallory\n`)],
  [
    "another command",
    "high ssh-authorized-keys",
    append(keys, `restrict,command="/bin/sh -c \\"$SSH_ORIGINAL_COMMAND\\"" ${keyBlob}\n`),
  ],
  [
    "a command after the command",
    "high ssh-authorized-keys",
    append(keys, `restrict,command="${agent} receive; sh" ${keyBlob}\n`),
  ],
  ["no restrict", "medium ssh-authorized-keys", append(keys, `command="${agent} receive" ${keyBlob}\n`)],
  [
    "restrict given back",
    "medium ssh-authorized-keys",
    append(keys, `restrict,port-forwarding,command="${agent} receive" ${keyBlob}\n`),
  ],
  ["keys that nobody understands", "? medium ssh", append(keys, 'command="unfinished ssh-ed25519 AAAA\n')],
  ["the docker group", "critical deploy-user", ({ write }) => write("/etc/group", "docker:x:5:deploy\n")],
  ["uid 0", "critical deploy-user", ({ write }) => write("/etc/passwd", "deploy:x:0:0::/:/bin/sh\n")],
  ["a world-writable gate.json", "critical file-modes", mode("/etc/nixseal/gate.json", 0o666)],
  ["a directory of the deploy user above", "critical file-modes", owner("/var/lib/nixseal")],
  ["a ledger of the deploy user", "critical file-modes", owner("/var/lib/nixseal/gate/ledger")],
  [
    "a symlink of the deploy user",
    "critical file-modes",
    ({ root }) => {
      const file = join(root, "/etc/nixseal/gate.json");
      writeFileSync(join(root, "/etc/real.json"), readFileSync(file), { mode: 0o666 });
      chmodSync(join(root, "/etc/real.json"), 0o666);
      rmSync(file);
      symlinkSync("../real.json", file);
    },
  ],
  ["an open quarantine", "medium quarantine", mode("/var/lib/nixseal/gate/quarantine", 0o777)],
  ["a host key for all", "critical host-key", mode("/etc/ssh/ssh_host_ed25519_key", 0o644)],
  ["no root", "? medium trust", ({ paths }) => rmSync(paths.trust)],
  ["damaged state", "? medium trust", replace("/var/lib/nixseal/gate/state.json", '"seq":1', '"seq":2')],
  [
    "another profile",
    "high not-warranted",
    ({ paths }) => {
      rmSync(`${paths.profile}-1-link`);
      symlinkSync(pathOf("planted-1.0"), `${paths.profile}-1-link`);
    },
  ],
  [
    "another running system",
    "high not-warranted",
    ({ paths }) => {
      rmSync(paths.running);
      symlinkSync(pathOf("planted-1.0"), paths.running);
    },
  ],
  ["no receipt", "medium receipts", ({ paths }) => rmSync(paths.receipts, { recursive: true })],
  [
    "a changed ledger",
    "high ledger",
    replace("/var/lib/nixseal/gate/ledger/00000001.ndjson", "alice", "carol"),
  ],
  [
    "a ledger that was written anew",
    "high ledger",
    ({ paths }) => {
      rmSync(paths.ledger, { recursive: true });
      mkdirSync(paths.ledger);
      const anew = join(top, "test/vectors/ledger/00000001.ndjson");
      writeFileSync(join(paths.ledger, "00000001.ndjson"), readFileSync(anew));
    },
  ],
  [
    "what a killed upload left beside the ledger",
    "info ledger",
    ({ paths }) => writeFileSync(join(paths.ledger, "00000001-1-1-1.wal"), ""),
  ],
  ["no ledger", "high ledger", ({ paths }) => rmSync(paths.ledger, { recursive: true })],
];

for (const [what, found, change] of changes)
  test(`found: ${what}`, async (t) => {
    const host = await soundHost(t);
    change(host);
    const ids = await idsOf(await host.view());
    assert.ok(ids.includes(found), ids.join("; "));
  });

test("a clock behind what was accepted, an expired root, upstream keys that the root does not name, stage 0", async (t) => {
  const host = await soundHost(t);
  const at = (days: number) => host.view({ now: new Date(noon.getTime() + days * 86_400_000) });
  assert.ok((await idsOf(await at(-1))).includes("high clock"));
  assert.ok((await idsOf(await at(290))).includes("medium root-expiry"));
  assert.ok((await idsOf(await at(301))).includes("critical root-expiry"));
  const stranger = { name: "evil-1", bytes: new Uint8Array(32) };
  const upstream = await host.view({
    config: { ...host.config, upstream: [...host.config.upstream, stranger] },
  });
  assert.ok((await idsOf(upstream)).includes("high upstream-keys"));
  const stage = await host.view({ config: { ...host.config, mode: "certificates" } });
  assert.ok((await idsOf(stage)).includes("medium stage-0"));
});

test("a file that cannot be read is unknown, never well", async (t) => {
  const host = await soundHost(t);
  const view = await host.view();
  const { files } = view;
  const ids = await idsOf({
    ...view,
    files: {
      ...files,
      read: (path, options) =>
        path.endsWith("nix.conf") ? files.read("/proc/self/mem", options) : files.read(path, options),
    },
  });
  assert.deepEqual(ids.includes("? medium nix"), true, ids.join());
});
