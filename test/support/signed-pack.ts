/** Long histories of signed commits without a process a commit: a pack, which stock git then indexes. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { deflateSync } from "node:zlib";
import { armorSshSig } from "../../src/ssh/sshsig.ts";
import { signMessage, type Signer } from "../../src/ssh/signer.ts";
import { utf8 } from "../../src/core/bytes.ts";

/** Fills the repository's branch `main` with a line of commits of the empty tree. Gives the tip. */
export async function writeHistory(directory: string, signer: Signer, commits: number): Promise<string> {
  const tree = Buffer.alloc(0);
  const treeId = objectId("tree", tree);
  const parts = [packed(2, tree)];
  let parent: string | null = null;
  for (let n = 0; n < commits; n++) {
    const who = `Alice <alice@example.org> ${1_700_000_000 + n} +0000`;
    const head = `tree ${treeId}\n${parent === null ? "" : `parent ${parent}\n`}author ${who}\ncommitter ${who}\n`;
    const message = `\ncommit ${n}\n`;
    const signature = armorSshSig(await signMessage(utf8(head + message), "git", signer));
    const header = `gpgsig ${signature.trimEnd().replaceAll("\n", "\n ")}\n`;
    const body = Buffer.from(head + header + message);
    parts.push(packed(1, body));
    parent = objectId("commit", body);
  }
  const start = Buffer.alloc(12);
  start.write("PACK");
  start.writeUInt32BE(2, 4);
  start.writeUInt32BE(parts.length, 8);
  const pack = Buffer.concat([start, ...parts]);
  const input = Buffer.concat([pack, createHash("sha1").update(pack).digest()]);
  execFileSync("git", ["-C", directory, "index-pack", "--stdin"], {
    input,
    stdio: ["pipe", "ignore", "inherit"],
  });
  execFileSync("git", ["-C", directory, "update-ref", "refs/heads/main", parent!]);
  return parent!;
}

function objectId(type: string, body: Buffer): string {
  return createHash("sha1").update(`${type} ${body.length}\0`).update(body).digest("hex");
}

/** Git's pack format: type and size in groups of 7 bits, the first of 4, then the content deflated. */
function packed(type: number, body: Buffer): Buffer {
  const head: number[] = [];
  let size = body.length >> 4;
  head.push((type << 4) | (body.length & 15) | (size > 0 ? 128 : 0));
  for (; size > 0; size >>= 7) head.push((size & 127) | (size > 127 ? 128 : 0));
  return Buffer.concat([Buffer.from(head), deflateSync(body, { level: 1 })]);
}
