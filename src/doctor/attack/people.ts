/** The lab's fleet: a root, a CA, members with certificates and keys of Nix. Made by stock tools, and gone with the lab. */
import { utf8Text } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import type { Processes } from "../../core/ports.ts";
import { SecretValue } from "../../core/secret-value.ts";
import { parseSelectorEntry } from "../../inventory/selector-entry.ts";
import { formatNamed, parseSecretKey, type SecretKey } from "../../nix/signing-key.ts";
import { parsePrivateKey } from "../../ssh/private-key.ts";
import type { PrivateKey } from "../../ssh/private-key-material.ts";
import { privateKeySigner, type Signer } from "../../ssh/signer.ts";
import { issueCertificate } from "../../trust/certificates/issue.ts";
import type { Right } from "../../trust/certificates/rights.ts";
import type { Signing } from "../../trust/root/sign.ts";

export interface Member {
  readonly name: string;
  /** With a certificate for the rights below. */
  readonly signer: Signer;
  readonly certificateLine: string;
  /** For plain Nix, which knows nothing of certificates. */
  readonly cacheKey: SecretKey;
}

export interface People {
  readonly rootKey: PrivateKey;
  readonly caKey: PrivateKey;
  readonly alice: Member;
  readonly bob: Member;
  /** May upload, and nothing else. */
  readonly mallory: Member;
  /** Alice's key in a certificate that ended. */
  readonly aliceExpired: Member;
  /** Alice's key in another certificate of hers. */
  readonly aliceAgain: Member;
  /** May activate, and is revoked in the list that `revokedCarol` is about. */
  readonly carol: Member;
}

export interface PeoplePorts {
  readonly files: Files;
  readonly processes: Processes;
}

export const labFleet = "lab";
export const labHost = "lab-host";

const hour = 3_600_000;

/** Keys lie in `directory`, which is the caller's and only theirs. */
export async function makePeople(ports: PeoplePorts, directory: string, now: Date): Promise<People> {
  const key = (name: string) => makeKey(ports, directory, name);
  const [rootKey, caKey] = [await key("root"), await key("ca")];
  const signing = labSigning(ports);
  let serial = 0n;
  const member = async (
    name: string,
    rights: readonly Right[],
    { own = name, hours = 12 }: { own?: string; hours?: number } = {},
  ): Promise<Member> => {
    const mine = await key(own);
    serial += 1n;
    const { certificate, line } = await issueCertificate(
      signing,
      { file: `${directory}/ca`, agent: false },
      {
        key: mine.publicKey,
        member: name,
        fleet: labFleet,
        serial,
        validAfter: new Date(now.getTime() - 24 * hour),
        validBefore: new Date(now.getTime() + hours * hour),
        rights: { rights, hosts: [parseSelectorEntry("*")!], maxClosureBytes: null, touch: null },
      },
    );
    return {
      name,
      signer: privateKeySigner(mine, certificate),
      certificateLine: line,
      cacheKey: await makeCacheKey(ports, directory, `${name}-1`),
    };
  };
  return {
    rootKey,
    caKey,
    alice: await member("alice", ["activate"]),
    bob: await member("bob", ["activate"]),
    mallory: await member("mallory", ["upload"]),
    aliceExpired: await member("alice", ["activate"], { hours: -1 }),
    aliceAgain: await member("alice", ["activate"]),
    carol: await member("carol", ["activate"]),
  };
}

/** Stock tools that nobody sits in front of. */
export function labSigning({ files, processes }: PeoplePorts): Signing {
  const streams: Signing["streams"] = {
    stdin: async function* () {},
    stdout: () => Promise.resolve(),
    stdinIsTerminal: false,
    stdoutIsTerminal: false,
    stdoutIsLost: false,
    readDescriptor: () => Promise.resolve(new Uint8Array()),
  };
  const passphrase: Signing["passphrase"] = () =>
    Promise.reject(new NixsealError("bug", "the keys of the lab have no passphrase"));
  return { files, processes, streams, emit: () => undefined, passphrase, askpass: null };
}

async function makeKey(
  { files, processes }: PeoplePorts,
  directory: string,
  name: string,
): Promise<PrivateKey> {
  const file = `${directory}/${name}`;
  if ((await files.statusOfLink(file)) === null)
    await succeed(processes, "ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", file]);
  const parsed = parsePrivateKey(await files.read(file, { limit: 64 << 10 }));
  if (parsed.state === "ready") return parsed.key;
  throw new NixsealError("tool", "ssh-keygen made a key with a passphrase");
}

async function makeCacheKey(
  { files, processes }: PeoplePorts,
  directory: string,
  name: string,
): Promise<SecretKey> {
  const file = `${directory}/${name}.cache`;
  if ((await files.statusOfLink(file)) === null)
    await succeed(processes, "nix-store", ["--generate-binary-cache-key", name, file, `${file}.pub`]);
  return parseSecretKey(new SecretValue(await files.read(file, { limit: 4096 })));
}

export function cacheKeyText({ cacheKey }: Pick<Member, "cacheKey">): string {
  return formatNamed(cacheKey.publicKey);
}

async function succeed(
  processes: Pick<Processes, "run">,
  program: string,
  args: readonly string[],
): Promise<void> {
  const { code, stderr, stdout } = await processes.run({ program, args, timeout: 30_000 });
  if (code === 0) return;
  const said = stderr.trim().split("\n").at(-1) ?? utf8Text(stdout, program);
  throw new NixsealError("tool", `${program} failed: ${said}`);
}
