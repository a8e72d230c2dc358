import { NixsealError } from "../../core/errors.ts";
import { parseAllowedSigners } from "../../ssh/allowed-signers.ts";
import { joinRevocations, type Revocations } from "../../ssh/revocations.ts";
import type { SshSigners } from "./decide-ssh-signer.ts";
import type { HistoryRoot } from "./history-root.ts";
import { OpenPgpKeys, type KeyBlock } from "./openpgp.ts";

/** Who may sign, as the verifier pinned it: never from the repository's configuration, never from its content. */
export interface Signers extends SshSigners {
  readonly openPgp: OpenPgpKeys | null;
  /**
   * Keys that decide nothing by themselves: the content is checked. So what GitHub writes may stand: an empty line behind the
   * armor, and RSA's number with the length of all its bytes. Both give a commit other ids that verify as well.
   */
  readonly areForges?: boolean | undefined;
}

/** The signers with whoever holds a member certificate of the root's CAs, and with what the root's list revokes. */
export function withMembersOf({ root, krl }: Pick<HistoryRoot, "root" | "krl">, signers: Signers): Signers {
  const line = {
    line: 0,
    principals: "*",
    certAuthority: true,
    namespaces: null,
    validAfter: null,
    validBefore: null,
  };
  const cas = root.ca.keys.map((key) => ({ ...line, key }));
  return alsoRevoked({ ...signers, ssh: [...signers.ssh, ...cas], root }, krl);
}

export function alsoRevoked(signers: Signers, krl: Revocations | null): Signers {
  if (krl === null) return signers;
  const { revocations } = signers;
  return { ...signers, revocations: revocations === undefined ? krl : joinRevocations(revocations, krl) };
}

export const nobody: Signers = { ssh: [], openPgp: null, revocations: undefined, memberCertificates: false };

const maximumFile = 4 << 20;
const maximumBlocks = 1000;
const begin = /^-----BEGIN PGP (.+)-----$/;
const end = "-----END PGP PUBLIC KEY BLOCK-----";

/**
 * An allowed_signers file in which OpenPGP public keys may stand as armored blocks, anywhere between the lines.
 * The first fault is thrown, with its line; `refused` when there is nobody in it.
 */
export async function readSigners(text: string, revocations?: Revocations): Promise<Signers> {
  if (text.length > maximumFile)
    throw new NixsealError("limit", `the list of signers has ${text.length} characters`);
  const { rest, blocks } = takeBlocks(text.split("\n"));
  const ssh = parseAllowedSigners(rest);
  if (ssh.length === 0 && blocks.length === 0) {
    throw new NixsealError("refused", "there are no signers, so no commit can be accepted", {
      hint: "write a line PRINCIPAL KEYTYPE BASE64 for each, or an armored OpenPGP public key",
    });
  }
  const openPgp = blocks.length === 0 ? null : await OpenPgpKeys.read(blocks);
  return { ssh, openPgp, revocations, memberCertificates: false };
}

/** Lines of blocks are emptied, so that the others keep their numbers. */
function takeBlocks(lines: readonly string[]): { rest: string; blocks: KeyBlock[] } {
  const rest: string[] = [];
  const blocks: KeyBlock[] = [];
  let block: string[] | null = null;
  for (const [index, raw] of lines.entries()) {
    const line = raw.trim();
    const kind = begin.exec(line)?.[1];
    if (kind !== undefined) {
      if (kind !== "PUBLIC KEY BLOCK" || block !== null) throw notABlock(kind, index + 1);
      if (blocks.length === maximumBlocks)
        throw new NixsealError("limit", `more than ${maximumBlocks} OpenPGP key blocks`);
      block = [];
    }
    rest.push(block === null ? raw : "");
    block?.push(line);
    if (block !== null && line === end) {
      blocks.push({ armored: block.join("\n"), line: index + 2 - block.length });
      block = null;
    }
  }
  if (block !== null) {
    throw new NixsealError("malformed", "OpenPGP key block has no end", {
      where: { line: lines.length + 1 - block.length },
    });
  }
  return { rest: rest.join("\n"), blocks };
}

function notABlock(kind: string, line: number): NixsealError {
  const isPrivate = kind.includes("PRIVATE");
  return new NixsealError(
    "malformed",
    isPrivate ? "a private key stands among the signers" : `unexpected OpenPGP block '${kind.slice(0, 40)}'`,
    {
      hint: isPrivate
        ? "take it out, and replace that key: it is no secret any more"
        : "export keys with gpg --armor --export KEY",
      where: { line },
    },
  );
}
