/** The attacks with the tools that attackers have: stock `nix copy` over a real sshd, and the real sudo. */
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { utf8 } from "../../src/core/bytes.ts";
import { verdictOfDeployment, verdictOf, type Outcome, type Target } from "../../src/doctor/attack/attack.ts";
import type { LabPath } from "../../src/doctor/attack/lab-path.ts";
import { Lab } from "../../src/doctor/attack/lab.ts";
import { writeCache } from "../../src/doctor/attack/plain-target.ts";
import { labSystem, plantedSudo } from "../../src/doctor/attack/systems.ts";
import { typedNix32 } from "../../src/nix/hash.ts";
import { clock } from "../../src/system/clock.ts";
import { files } from "../../src/system/files.ts";
import { processes } from "../../src/system/processes.ts";
import { random } from "../../src/system/random.ts";
import { sshServer } from "../support/ssh-server.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const agent = fileURLToPath(new URL("../../src/program/agent.js", import.meta.url));

function inLab(t: TestContext, work: (lab: Lab) => Promise<void>): Promise<void> {
  const parent = temporaryDirectory(t);
  const options = {
    program: [process.execPath, agent],
    mode: "warrants",
    parent,
    patience: 600_000,
  } as const;
  return Lab.within({ files, processes, clock, random }, options, work);
}

async function outcomeOf(
  lab: Lab,
  kind: Target["kind"],
  run: (target: Target) => Promise<Outcome>,
): Promise<Outcome> {
  const attack = { name: "planting", what: "as with stock tools", run } as const;
  return (await lab.try(attack, kind)).outcome;
}

/** An sshd for one key, whose line has these options. */
async function serverFor(
  t: TestContext,
  directory: string,
  key: string,
  options: string,
): Promise<readonly string[]> {
  const place = join(directory, `ssh-${Math.trunc(performance.now())}`);
  mkdirSync(place, { mode: 0o700 });
  const hostKey = join(place, "host");
  assert.equal(spawnSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", hostKey]).status, 0);
  writeFileSync(join(place, "authorized_keys"), `${options}${readFileSync(`${key}.pub`, "utf8")}`);
  const port = await sshServer(
    t,
    place,
    [hostKey],
    [
      `AuthorizedKeysFile ${join(place, "authorized_keys")}`,
      "PermitRootLogin yes",
      "StrictModes no",
      "ExposeAuthInfo yes",
      "UsePAM no",
    ],
  );
  const [type, blob] = readFileSync(`${hostKey}.pub`, "utf8").split(" ");
  writeFileSync(join(place, "known_hosts"), `[127.0.0.1]:${port} ${type!} ${blob!}\n`);
  const known = ["-o", `UserKnownHostsFile=${join(place, "known_hosts")}`, "-o", "StrictHostKeyChecking=yes"];
  return ["-p", String(port), "-i", key, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", ...known];
}

interface Said {
  readonly code: number;
  readonly text: string;
}

/** While this process goes on: it carries sshd's connections. */
async function stock(
  program: string,
  args: readonly string[],
  env: Record<string, string>,
  input?: string,
): Promise<Said> {
  const running = promisify(execFile)(program, [...args], {
    env: { PATH: process.env["PATH"] ?? "", ...env },
    timeout: 60_000,
  });
  running.child.stdin?.end(input ?? "");
  try {
    const { stdout, stderr } = await running;
    return { code: 0, text: `${stdout}${stderr}` };
  } catch (error) {
    const { code, stderr } = error as { code?: number; stderr?: string };
    return { code: code ?? 1, text: stderr ?? "" };
  }
}

async function copy(directory: string, ssh: readonly string[], store: string, path: LabPath): Promise<Said> {
  const cache = join(directory, `cache-${Math.trunc(performance.now() * 1000)}`);
  await writeCache(files, cache, [path], []);
  const env = {
    HOME: directory,
    NIX_SSHOPTS: ssh.join(" "),
    NIX_CONFIG: "substitute = false",
    NIX_REMOTE: directory,
  };
  const args = [
    "--extra-experimental-features",
    "nix-command",
    "copy",
    "--no-check-sigs",
    "--from",
    `file://${cache}`,
    "--to",
    store,
  ];
  return stock("nix", [...args, path.info.path], env);
}

test("a planted sudo over a real sshd: by nix copy to a login of Nix's own, and to the gate", async (t) => {
  await inLab(t, async (lab) => {
    const key = join(dirname(await lab.outside("place", utf8(""))), "mallory");
    const directory = temporaryDirectory(t);
    const { alice, bob, mallory } = lab.people;

    const without = await outcomeOf(lab, "plain", async (target) => {
      const ssh = await serverFor(t, directory, key, "");
      const copied = await copy(
        directory,
        ssh,
        `ssh://root@127.0.0.1?remote-store=${target.root}`,
        plantedSudo(target.root),
      );
      assert.equal(copied.code, 0, copied.text);
      const deployed = await target.deploy(await target.order(labSystem(target.root, "one"), [alice, bob]));
      return verdictOf(target, /PLANTED/, [deployed]);
    });
    assert.equal(without.kind, "succeeded", JSON.stringify(without));

    const outcome = await outcomeOf(lab, "gate", async (target) => {
      const command = `${process.execPath} ${agent} receive --member mallory --root ${target.root}`;
      const ssh = await serverFor(t, directory, key, `restrict,command="${command}" `);
      const shown = await stock(
        "ssh",
        [...ssh, "root@127.0.0.1", "nixseal-gate present"],
        { HOME: directory },
        mallory.certificateLine,
      );
      assert.equal(shown.code, 0, shown.text);
      const shell = await stock("ssh", [...ssh, "root@127.0.0.1", "id"], { HOME: directory });
      assert.notEqual(shell.code, 0, "no other command");
      assert.doesNotMatch(shell.text, /uid=/);
      const planted = plantedSudo(target.root);
      for (const store of ["ssh://root@127.0.0.1", "ssh-ng://root@127.0.0.1"]) {
        const copied = await copy(directory, ssh, store, planted);
        assert.equal(copied.code, 0, copied.text); // stock clients work, into the quarantine
        assert.equal(await target.narHashOf(planted), null, store);
      }
      const deployed = await target.deploy(await target.order(labSystem(target.root, "one"), [alice, bob]));
      assert.notEqual(await target.narHashOf(planted), typedNix32(planted.info.narHash));
      return verdictOfDeployment(target, deployed, "what was sent stayed in the quarantine");
    });
    assert.deepEqual(outcome, { kind: "stopped", by: "what was sent stayed in the quarantine" });
  });
});

/** Runs as uid 4242 in a mount namespace of its own, with these rules of sudo and that store. The machine's own files stay as they are. */
function sudo(directory: string, store: string, rules: string, words: readonly string[]): Said {
  const place = join(directory, "etc");
  mkdirSync(place, { recursive: true });
  const put = (name: string, text: string, mode: number): string => {
    writeFileSync(join(place, name), text);
    chmodSync(join(place, name), mode);
    return join(place, name);
  };
  const binds = [
    [put("passwd", "root:x:0:0::/root:/bin/sh\ndeploy:x:4242:4242::/:/bin/sh\n", 0o644), "/etc/passwd"],
    [put("group", "root:x:0:\ndeploy:x:4242:\n", 0o644), "/etc/group"],
    [put("shadow", "root:*:1::::::\ndeploy:*:1::::::\n", 0o600), "/etc/shadow"],
    [put("sudoers", rules, 0o440), "/etc/sudoers"],
    [join(store, "nix/store"), "/nix/store"],
  ];
  const script = `set -e
${binds.map(([from, to]) => `mount --bind '${from}' '${to}'`).join("\n")}
exec setpriv --reuid=4242 --regid=4242 --clear-groups sudo -n "$@"`;
  const { status, stderr, stdout } = spawnSync(
    "unshare",
    ["--mount", "--", "sh", "-c", script, "sh", ...words],
    {
      encoding: "utf8",
      timeout: 30_000,
    },
  );
  return { code: status ?? 1, text: `${stdout}${stderr}` };
}

test("the real sudo with the wildcards of the how-tos runs the attacker's system as root, and with the gate's line does not", async (t) => {
  await inLab(t, async (lab) => {
    const { mallory } = lab.people;
    for (const [rules, kind] of [
      ["deploy ALL=(root) NOPASSWD: /nix/store/*/bin/switch-to-configuration *\n", "succeeded"],
      ["deploy ALL=(root) NOPASSWD: /run/current-system/sw/bin/nixseal-agent activate\n", "stopped"],
    ] as const) {
      const outcome = await outcomeOf(lab, "plain", async (target) => {
        chmodSync(dirname(target.root), 0o755);
        const system = labSystem(target.root, "evil", plantedSudo(target.root));
        const sent = await target.send(mallory, system.closure);
        assert.ok(sent.accepted, sent.said);
        const program = `${system.toplevel.info.path}/bin/switch-to-configuration`;
        const { code, text } = sudo(temporaryDirectory(t), target.root, rules, [program, "switch"]);
        return verdictOf(target, /PLANTED|evil/, [{ accepted: code === 0, said: text.trim() }]);
      });
      assert.equal(outcome.kind, kind, JSON.stringify(outcome));
      if (outcome.kind === "stopped") assert.match(outcome.by, /password is required/);
    }
  });
});
