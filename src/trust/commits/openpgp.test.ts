/** Signatures by stock GnuPG, and those of it that must not count. Debian: gnupg, git. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { History } from "../../../test/support/git-history.ts";
import type { ObjectId } from "./object-id.ts";

class Pgp {
  readonly history: History;

  constructor(context: TestContext, format: "sha1" | "sha256" = "sha1") {
    this.history = new History(context, format);
    mkdirSync(join(this.history.home, "gnupg"), { mode: 0o700 });
    context.after(() => spawnSync("gpgconf", ["--kill", "all"], { env: this.history.environment }));
  }

  gpg(...args: string[]): string {
    const { status, stdout, stderr } = spawnSync(
      "gpg",
      ["--batch", "-q", "--passphrase", "", "--yes", ...args],
      {
        env: this.history.environment,
        timeout: 60_000,
      },
    );
    if (status !== 0) throw new Error(`gpg ${args.join(" ")}: ${stderr.toString()}`);
    return stdout.toString();
  }

  key(name: string, algorithm = "ed25519", expires = "0", ...options: string[]): string {
    this.gpg(...options, "--quick-gen-key", `${name} <${name}@example.org>`, algorithm, "sign", expires);
    return this.public(name);
  }

  public(name: string): string {
    return this.gpg("--armor", "--export", `${name}@example.org`);
  }

  commit(name: string, options: { date?: string; digest?: string } = {}): ObjectId {
    const program = this.history.keys.write(
      "gpg-once",
      `#!/bin/sh\nexec gpg --batch ${options.digest === undefined ? "" : `--allow-weak-digest-algos --digest-algo ${options.digest}`} "$@"\n`,
    );
    spawnSync("chmod", ["755", program]);
    const configuration = ["-c", `gpg.program=${program}`, "-c", `user.signingkey=${name}@example.org`];
    return this.history.commit(`by ${name}`, {
      configuration,
      ...(options.date === undefined ? {} : { date: options.date }),
    });
  }
}

const end = "-----END PGP SIGNATURE-----";

/**
 * The commit as GitHub would have stored it: an empty line behind the armor, a packet of the new format, and RSA's number with
 * the length of all its bytes, zeros in front included.
 */
function asGitHub(body: string): string {
  const [, header] = /^gpgsig (.*(?:\n .*)*)\n/m.exec(body)!;
  const armored = header!.replaceAll("\n ", "\n");
  const base64 = armored.split("\n\n")[1]!.split("\n=")[0]!;
  const packet = Buffer.from(base64, "base64");
  const old = packet.subarray(packet[0] === 0x89 ? 3 : 2);
  const unhashed = 6 + old.readUInt16BE(4);
  const number = unhashed + 2 + old.readUInt16BE(unhashed) + 2;
  const value = old.subarray(number + 2);
  const modulus = Buffer.concat([Buffer.alloc(256 - value.length), value]);
  const bits = Buffer.from([0x08, 0x00]); // 2048, whatever the first byte is
  const inner = Buffer.concat([old.subarray(0, number), bits, modulus]);
  const length = inner.length - 192;
  const bytes = Buffer.concat([Buffer.from([0xc2, 192 + (length >> 8), length & 0xff]), inner]);
  // For the checksum, without which GnuPG stumbles.
  const { stdout } = spawnSync("gpg", ["--enarmor"], { input: bytes, encoding: "utf8" });
  const lines = stdout.split("\n\n")[1]!.split("\n-----END")[0]!.split("\n");
  const text = ["-----BEGIN PGP SIGNATURE-----", "", ...lines, end, ""];
  return body.replace(/^gpgsig .*(?:\n .*)*\n/m, `gpgsig ${text.join("\n ")}\n`);
}

suite("OpenPGP", () => {
  test("a forge's merge as GitHub stores it stands under [forges], and nowhere else", async (t) => {
    const pgp = new Pgp(t);
    const { history } = pgp;
    const hub = pgp.key("hub", "rsa2048");
    const alice = JSON.stringify(history.keys.text("alice.pub").trim());
    const policy = `version = 1
threshold = 1
[members.alice]
keys = [${alice}]
rights = ["commit", "policy"]
paths = ["**"]
[forges.hub]
keys = [${JSON.stringify(hub)}]
`;
    const introduction = history.commit("policy", { files: { "trust/policy.toml": policy } });
    history.commit("main", { key: "alice", files: { a: "1" } });
    history.git("checkout", "-q", "-b", "side", introduction);
    history.commit("side", { key: "alice", files: { b: "1" } });
    history.git("checkout", "-q", "main");
    const merge = (message: string): ObjectId => {
      const signing = [
        "-c",
        "user.signingkey=hub@example.org",
        "merge",
        "-q",
        "-S",
        "--no-ff",
        "-m",
        message,
      ];
      history.git("reset", "-q", "--hard", "main");
      history.git("checkout", "-q", "--detach", "main");
      history.git(...signing, "side");
      return history.store(asGitHub(history.body("HEAD")));
    };
    // The first byte of an RSA signature has its highest bit in half of all cases: several, so that both are among them.
    for (const message of ["1", "2", "3", "4", "5", "6"]) {
      const id = merge(message);
      assert.equal(history.try(["verify-commit", id]).status, 0, "stock git takes it");
      assert.deepEqual(await history.byPolicy(introduction, id), { accepted: 3, refused: [] });
      const signers = `${history.line("alice", "alice")}${hub}`;
      const [refused] = (await history.bySigners([`main..${id}`, "^side"], signers)).refused;
      assert.deepEqual(refused, [id, "malformed-signature"]);
    }
    // A member's OpenPGP key has one spelling all the same.
    const member = policy.replace(
      /\[forges[\s\S]*/,
      `[members.hub]\nkeys = [${JSON.stringify(hub)}]\nrights = ["merge"]\npaths = ["**"]\n`,
    );
    history.git("checkout", "-q", "-B", "main", introduction);
    const begin = history.commit("members", { key: "alice", files: { "trust/policy.toml": member } });
    history.git("checkout", "-q", "-B", "side");
    history.commit("side", { key: "alice", files: { b: "1" } });
    history.git("checkout", "-q", "main");
    history.commit("main", { key: "alice", files: { a: "1" } });
    const id = merge("by a member");
    assert.deepEqual((await history.byPolicy(begin, id)).refused, [[id, "malformed-signature"]]);
  });

  for (const format of ["sha1", "sha256"] as const) {
    test(`commits and tags signed with GnuPG in ${format} repositories`, async (t) => {
      const pgp = new Pgp(t, format);
      const { history } = pgp;
      const keys = pgp.key("alice") + pgp.key("rsa", "rsa2048");
      pgp.key("mallory");
      pgp.commit("alice");
      pgp.commit("rsa");
      history.git("-c", "user.signingkey=alice@example.org", "tag", "-s", "-m", "one", "v1");
      const signers = `# both kinds\n${history.line("bob", "bob")}${keys}`;
      history.commit("ssh", { key: "bob" });
      assert.deepEqual(await history.bySigners(["v1", "HEAD"], signers), { accepted: 3, refused: [] });
      const id = pgp.commit("mallory");
      assert.deepEqual(await history.bySigners(["HEAD"], signers), {
        accepted: 3,
        refused: [[id, "unknown-signer"]],
      });
    });
  }

  test("what GnuPG looks past around a signature, and we do not", async (t) => {
    const pgp = new Pgp(t);
    const { history } = pgp;
    const signers = pgp.key("alice");
    const good = pgp.commit("alice");
    const body = history.body(good);
    for (const changed of [
      body.replace(end, `${end}\n junk`),
      body.replace(end, `${end}\n `),
      body.replace("PGP SIGNATURE-----\n \n", "PGP SIGNATURE-----\n Comment: other id\n \n"),
      body.replace(/\n =....\n/, "\n =AAAA\n"),
      body.replace(/(\n \n [^\n]{10})/, "$1\n "),
    ]) {
      assert.notEqual(changed, body);
      const id = history.store(changed);
      const { refused } = await history.bySigners([id], signers);
      assert.deepEqual(refused, [[id, "malformed-signature"]]);
    }
    assert.equal(history.try(["verify-commit", history.store(body.replace(end, `${end}\n junk`))]).status, 0);
  });

  test("an expired key, though the commit says that it is older", async (t) => {
    const pgp = new Pgp(t);
    const time = ["--faked-system-time", "20200101T000000"];
    const signers = pgp.key("alice", "ed25519", "2020-02-01", ...time);
    const program = pgp.history.keys.write("old", `#!/bin/sh\nexec gpg --batch ${time.join(" ")} "$@"\n`);
    spawnSync("chmod", ["755", program]);
    const id = pgp.history.commit("late", {
      configuration: ["-c", `gpg.program=${program}`, "-c", "user.signingkey=alice@example.org"],
      date: "2020-01-02T00:00:00Z",
    });
    assert.deepEqual(await pgp.history.bySigners([id], signers), { accepted: 0, refused: [[id, "expired"]] });
    const then = new Date("2020-01-10T00:00:00Z");
    assert.deepEqual(await pgp.history.bySigners([id], signers, { now: then }), { accepted: 1, refused: [] });
  });

  test("a revoked key", async (t) => {
    const pgp = new Pgp(t);
    const before = pgp.key("alice");
    const id = pgp.commit("alice");
    const fingerprint = /fpr:+([0-9A-F]{40}):/.exec(pgp.gpg("--list-keys", "--with-colons"))![1]!;
    const certificate = pgp.history.keys.write(
      "revoke",
      readFileSync(join(pgp.history.home, "gnupg/openpgp-revocs.d", `${fingerprint}.rev`), "utf8").replace(
        ":-----BEGIN",
        "-----BEGIN",
      ),
    );
    pgp.gpg("--import", certificate);
    assert.deepEqual(await pgp.history.bySigners([id], before), { accepted: 1, refused: [] });
    assert.deepEqual(await pgp.history.bySigners([id], pgp.public("alice")), {
      accepted: 0,
      refused: [[id, "revoked"]],
    });
  });

  test("weak digests and weak keys", async (t) => {
    const pgp = new Pgp(t);
    const keys = pgp.key("alice") + pgp.key("short", "rsa1024") + pgp.key("dsa", "dsa2048");
    const ids = [pgp.commit("alice", { digest: "SHA1" }), pgp.commit("short"), pgp.commit("dsa")];
    const { refused } = await pgp.history.bySigners(["HEAD"], keys);
    assert.deepEqual(
      new Map(refused),
      new Map([
        [ids[0]!, "algorithm"],
        [ids[1]!, "weak-key"],
        [ids[2]!, "algorithm"],
      ]),
    );
  });

  test("a key block that cannot be read, or that holds a private key, is named with its line", async (t) => {
    const pgp = new Pgp(t);
    pgp.key("alice");
    const line = pgp.history.line("bob", "bob");
    const secret = pgp.gpg("--armor", "--export-secret-keys", "alice@example.org");
    pgp.history.commit("any");
    for (const [text, at] of [
      [line + secret, 2],
      [`\n${line}${pgp.public("alice").replace(/\n[^\n]{60}/, "\n")}`, 3],
      [`${line}${pgp.public("alice").split("\n").slice(0, 4).join("\n")}`, 2],
      [
        `${line}${pgp.public("alice")}nonsense\n`,
        line.split("\n").length + pgp.public("alice").split("\n").length - 1,
      ],
    ] as const) {
      await assert.rejects(pgp.history.bySigners(["HEAD"], text), (error) => {
        const { code, where } = error as { code?: string; where?: { line?: number } };
        assert.deepEqual([code, where?.line], ["malformed", at]);
        return true;
      });
    }
  });
});
