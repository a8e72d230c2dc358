/** The way to hosts, over a real sshd and a real ssh-agent. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { userInfo } from "node:os";
import { knownHostsOf } from "../../src/deploy/host-keys.ts";
import { openSsh } from "../../src/deploy/ssh.ts";
import type { Host } from "../../src/inventory/model.ts";
import type { Context } from "../../src/ops/op.ts";
import { holderOn } from "../../src/ops/secrets/holder.ts";
import { files } from "../../src/system/files.ts";
import { processes } from "../../src/system/processes.ts";
import { fleetOf } from "../support/fleets.ts";
import { sshServer } from "../support/ssh-server.ts";
import { Keygen } from "../support/ssh-keygen.ts";

const world = { files, processes };

/** An agent that holds the key alone; its socket is in our environment until the test ends. */
function agentWith(t: TestContext, keygen: Keygen, key: string): void {
  const socket = keygen.path("agent");
  const { stdout } = spawnSync("ssh-agent", ["-a", socket, "-s"], { encoding: "utf8" });
  const pid = Number(/SSH_AGENT_PID=(\d+)/.exec(stdout)?.[1]);
  const former = process.env["SSH_AUTH_SOCK"];
  process.env["SSH_AUTH_SOCK"] = socket;
  t.after(() => {
    process.kill(pid);
    if (former === undefined) delete process.env["SSH_AUTH_SOCK"];
    else process.env["SSH_AUTH_SOCK"] = former;
  });
  assert.equal(spawnSync("ssh-add", ["-q", key]).status, 0);
}

async function setting(t: TestContext, settings: readonly string[] = []) {
  const keygen = new Keygen(t);
  for (const name of ["host", "other", "user", "stranger"]) keygen.key(name);
  const authorized = keygen.write(
    "authorized_keys",
    `restrict,command="printf '%s\\n' \\"$SSH_ORIGINAL_COMMAND\\"; cat" ${keygen.text("user.pub")}`,
  );
  const port = await sshServer(
    t,
    keygen.directory,
    [keygen.path("host")],
    [`AuthorizedKeysFile ${authorized}`, "StrictModes no", "PasswordAuthentication no", ...settings],
  );
  const publicKey = (name: string) => keygen.text(`${name}.pub`).trim();
  const host = async (name: string, key: string): Promise<Host> => {
    const fleet = await fleetOf(
      `[hosts.${name}]\naddress = "127.0.0.1"\nport = ${port}\nuser = "${userInfo().username}"\nhost_keys = ["${publicKey(key)}"]\n`,
    );
    return [...fleet.hosts.values()][0]!;
  };
  return { keygen, host };
}

test("commands share one connection to the pinned host, and nothing of the person's known_hosts counts", async (t) => {
  const { keygen, host } = await setting(t);
  agentWith(t, keygen, keygen.path("user"));
  const web = await host("Web", "host");
  const ssh = await openSsh(world, [web]);
  const first = await ssh.run(web, ["nixseal-gate", "status"], { input: Buffer.from("message\n") });
  assert.equal(Buffer.from(first.stdout).toString(), "nixseal-gate status\nmessage\n");
  const check = ssh.command(web, []);
  const control = check.args.find((arg) => arg.startsWith("ControlPath="))!.slice("ControlPath=".length);
  const master = spawnSync("ssh", [
    ...check.args.slice(0, check.args.indexOf("--")),
    "-O",
    "check",
    "127.0.0.1",
  ]);
  assert.equal(master.status, 0, master.stderr.toString());
  const second = await ssh.run(web, ["again"]);
  assert.equal(Buffer.from(second.stdout).toString(), "again\n");
  await ssh.close();
  assert.equal(existsSync(join(control, "..")), false);
});

test("a host with another key is refused, with both fingerprints; a stranger is told which user", async (t) => {
  const { keygen, host } = await setting(t);
  agentWith(t, keygen, keygen.path("stranger"));
  const changed = await host("web", "other");
  const good = await host("db", "host");
  const ssh = await openSsh(world, [changed, good]);
  t.after(() => ssh.close());
  const fingerprint = /SHA256:\S+/.exec(keygen.run(["-lf", "host.pub"]))![0];
  await assert.rejects(ssh.run(changed, ["x"]), (error: Error & { code?: string }) => {
    assert.equal(error.code, "refused");
    assert.match(error.message, /not the pinned one/);
    assert.ok(
      error.message.includes(fingerprint) && error.message.includes(changed.hostKeys[0]!.fingerprint),
      error.message,
    );
    return true;
  });
  await assert.rejects(ssh.run(good, ["x"]), { code: "refused", message: /Permission denied/ });
});

test("a host at another's address does not go by the connection that the other's key opened", async (t) => {
  const { keygen, host } = await setting(t);
  agentWith(t, keygen, keygen.path("user"));
  const [there, elsewhere] = [await host("web", "host"), await host("db", "other")];
  const ssh = await openSsh(world, [there, elsewhere]);
  t.after(() => ssh.close());
  await ssh.run(there, ["x"]);
  await assert.rejects(ssh.run(elsewhere, ["x"]), { code: "refused", message: /not the pinned one/ });
});

test("a host without a pinned key, and one that is not there", async (t) => {
  const { host } = await setting(t);
  const web = await host("web", "host");
  await assert.rejects(openSsh(world, [{ ...web, hostKeys: [] }]), {
    code: "config",
    message: /no host key/,
  });
  const gone = { ...web, port: 1 };
  const ssh = await openSsh(world, [gone]);
  t.after(() => ssh.close());
  await assert.rejects(ssh.run(gone, ["x"]), { code: "io", message: /refused/ });
});

test("a host is known by a certificate of the fleet's CA for its name, and by no other", async (t) => {
  const keygen = new Keygen(t);
  for (const name of ["ca", "stranger"]) keygen.key(name);
  const certificate = keygen.path("host-cert.pub");
  const { keygen: keys, host } = await setting(t, [`HostCertificate ${certificate}`]);
  agentWith(t, keys, keys.path("user"));
  const pinned = await host("Web", "host");
  const authorities = [(await host("web", "host")).hostKeys[0]!].map((key) => ({
    ...key,
    line: keygen.text("ca.pub").trim().split(" ").slice(0, 2).join(" "),
  }));
  const known = { ...pinned, hostKeys: [], authorities, principal: "web.Example.org" };
  /** As an administrator would: the host's public key, signed for its DNS name. */
  const certify = (ca: string, principal: string, validity: string): void => {
    keygen.write("host.pub", keys.text("host.pub"));
    keygen.run(["-q", "-s", ca, "-I", `${principal} id`, "-h", "-n", principal, "-V", validity, "host.pub"]);
  };
  const refuses = async (
    what: string,
    message: RegExp,
    web: Host = known,
    krl: Uint8Array | null = null,
  ): Promise<void> => {
    const ssh = await openSsh(world, [web], null, krl);
    try {
      await assert.rejects(ssh.run(web, ["x"]), { code: "refused", message }, what);
    } finally {
      await ssh.close();
    }
  };
  const accepts = async (web: Host, krl: Uint8Array | null = null): Promise<void> => {
    const ssh = await openSsh(world, [web], null, krl);
    try {
      assert.equal(Buffer.from((await ssh.run(web, ["x"])).stdout).toString(), "x\n");
    } finally {
      await ssh.close();
    }
  };

  certify("ca", "other.example.org", "+1h");
  await refuses("another host's", /does not hold: name is not a listed principal/);
  await accepts({ ...known, hostKeys: pinned.hostKeys }); // pinned keys stay possible beside
  certify("ca", "web.example.org", "20200101:20200102");
  await refuses("an ended one", /does not hold: expired/);
  certify("stranger", "web.example.org", "+1h");
  await refuses("of another CA", /no certificate of a host CA of the fleet \(SHA256:/);
  certify("ca", "web.example.org", "+1h");
  await accepts(known);
  await refuses("without the CA", /not the pinned one: found SHA256:.*, pinned/, {
    ...pinned,
    hostKeys: (await host("web", "other")).hostKeys,
  });

  const krl = (specification: string): Uint8Array => {
    keygen.write("revoked", specification);
    keygen.run(["-q", "-k", "-s", "ca.pub", "-f", "krl", "revoked"]);
    return keygen.read("krl");
  };
  await refuses("revoked by its name", /host key is revoked/, known, krl("id: web.example.org id\n"));
  await refuses(
    "a revoked key that is pinned too",
    /host key is revoked/,
    { ...known, hostKeys: pinned.hostKeys },
    krl(`key: ${keys.text("host.pub")}`),
  );
  await accepts(known, krl("id: somebody else\n"));
});

test("a lease on a host is refused by what was revoked, as every connection", async (t) => {
  const keygen = new Keygen(t);
  const directory = keygen.path("fleet");
  mkdirSync(join(directory, "trust"), { recursive: true });
  keygen.key("revoked");
  keygen.write("list", `key: ${keygen.text("revoked.pub")}`);
  keygen.run(["-q", "-k", "-f", join(directory, "trust/krl"), "list"]);
  keygen.run(["-q", "-Y", "sign", "-f", "revoked", "-n", "x", join(directory, "trust/krl")]);
  const fleet = await fleetOf(`[fleet]\nname = "x"\n[hosts.web]\nhost_keys = ["${key("a")}"]\n`);
  const context = { files, processes, environment: { get: () => undefined } } as unknown as Context;
  const holder = await holderOn(context, { fleet, directory }, "web");
  t.after(() => holder.close());
  const file = /RevokedHostKeys=(.*)/.exec(holder.command.args.join("\n"))?.[1];
  assert.deepEqual(readFileSync(file!), readFileSync(join(directory, "trust/krl")));
});

test("a host's principal brings none of its keys under another host's name", async () => {
  const fleet = await fleetOf(
    `[fleet]\nname = "x"\nhost_ca = ["${key("c")} the CA"]\n[hosts.db]\nhost_keys = ["${key("a")}"]\n[hosts.web]\nhost_keys = ["${key("b")}"]\nprincipal = "db"\n`,
  );
  const ssh = await openSsh(world, [...fleet.hosts.values()]);
  try {
    const { args } = ssh.command(
      [...fleet.hosts.values()].find(({ name }) => name === "db")!,
      ["true"],
    );
    const option = (name: string): string => args.find((one) => one.startsWith(`${name}=`))!.split("=")[1]!;
    const known = option("UserKnownHostsFile");
    const { stdout } = spawnSync("ssh-keygen", ["-F", option("HostKeyAlias"), "-f", known], {
      encoding: "utf8",
    });
    const found = ["a", "b", "c"].filter((name) => stdout.includes(key(name).split(" ")[1]!));
    assert.deepEqual(found, ["a", "c"]);
  } finally {
    await ssh.close();
  }
});

test("host_ca of fleet.toml: every host gets it, by its address unless it has another principal", async () => {
  const fleet = await fleetOf(
    `[fleet]\nname = "x"\nhost_ca = ["${key("c")} the CA"]\n[hosts.web]\naddress = "WEB.example.org"\n[hosts.db]\nhost_keys = ["${key("a")}"]\nprincipal = "db.internal"\n`,
  );
  assert.deepEqual(knownHostsOf([...fleet.hosts.values()]).split("\n"), [
    `@cert-authority web.example.org ${key("c")}`,
    `db.internal ${key("a")}`,
    `@cert-authority db.internal ${key("c")}`,
    "",
  ]);
});

test("known_hosts: one name a host, and names that differ in case only stay apart", async () => {
  const fleet = await fleetOf(
    `[hosts.web]\nhost_keys = ["${key("a")}"]\n[hosts.Web]\nhost_keys = ["${key("b")}"]\n`,
  );
  const names = knownHostsOf([...fleet.hosts.values()])
    .trim()
    .split("\n")
    .map((line) => line.split(" ")[0]);
  assert.equal(names[0], "nixseal.web");
  assert.match(names[1]!, /^nixseal\.web\.[0-9a-f]{16}$/);
});

function key(seed: string): string {
  const blob = Buffer.concat([
    Buffer.from("0000000b7373682d6564323535313900000020", "hex"),
    Buffer.alloc(32, seed),
  ]);
  return `ssh-ed25519 ${blob.toString("base64")}`;
}
