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

suite("OpenPGP", () => {
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
