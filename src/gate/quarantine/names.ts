/**
 * What the names in the quarantine say. Everything that is counted at every upload stands in them, so that no file needs to be
 * opened for it:
 *
 * - `HASH.nar`: an archive, whole and of that SHA-256 (nix32).
 * - `claims/DIGEST.HASH.SIZE.MEMBER.narinfo`: the member says that this archive is the path of that digest.
 * - `incoming/SIZE.PID.RANDOM.MEMBER`: an archive that is coming in, `-` for no member; as `.NAME.RANDOM.tmp` while it is written.
 */
import { fromNix32, nix32 } from "../../nix/base32.ts";
import type { Signed } from "../../nix/fingerprint.ts";
import type { Hash } from "../../nix/hash.ts";
import { digestOf } from "../../nix/store-path.ts";

export interface Claim {
  readonly name: string;
  /** The digest part of the path. */
  readonly digest: string;
  readonly narHash: Hash;
  readonly narSize: number;
  readonly member: string;
}

export interface Reservation {
  readonly name: string;
  readonly narSize: number;
  readonly pid: number;
  readonly member: string | null;
}

export function narName(hash: Hash): string {
  return `${nix32(hash.digest)}.nar`;
}

/** The hash that the name says; null for another name. */
export function parseNarName(name: string): Hash | null {
  return name.endsWith(".nar") ? hashOf(name.slice(0, -".nar".length)) : null;
}

export function claimName({ path, narHash, narSize }: Signed, member: string): string {
  return `${digestOf(path)}.${nix32(narHash.digest)}.${narSize}.${member}.narinfo`;
}

export function parseClaimName(name: string): Claim | null {
  const match = /^([0-9a-z]{32})\.([0-9a-z]{52})\.([1-9][0-9]{0,15})\.(.+)\.narinfo$/.exec(name);
  const narHash = match === null ? null : hashOf(match[2]!);
  if (match === null || narHash === null) return null;
  return { name, digest: match[1]!, narHash, narSize: Number(match[3]), member: match[4]! };
}

export function incomingName(narSize: number, member: string | null, pid: number, random: string): string {
  return `${narSize}.${pid}.${random}.${member ?? "-"}`;
}

/** Also while it is written, under the name that `Files.openAtomic` gives it. */
export function parseIncomingName(name: string): Reservation | null {
  const final = /^\.(.+)\.[0-9a-f]+\.tmp$/.exec(name)?.[1] ?? name;
  const match = /^([1-9][0-9]{0,15})\.([1-9][0-9]{0,9})\.[0-9a-f]+\.(.+)$/.exec(final);
  if (match === null) return null;
  const member = match[3] === "-" ? null : match[3]!;
  return { name, narSize: Number(match[1]), pid: Number(match[2]), member };
}

function hashOf(digits: string): Hash | null {
  const digest = digits.length === 52 ? fromNix32(digits) : null;
  return digest === null ? null : { algorithm: "sha256", digest };
}
