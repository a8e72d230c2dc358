import { NixsealError } from "../../core/errors.ts";
import { formatContentAddress, parseContentAddress, type ContentAddress } from "../content-address.ts";
import { formatHash, parseDigest, parseHash, typedNix32, type Hash } from "../hash.ts";
import type { PathInfo } from "../path-info.ts";
import { formatNamed, parseSignature, type Signature } from "../signing-key.ts";
import { byPath, parseStorePath, type StorePath } from "../store-path.ts";
import { maxSignatures, type ProtocolLimits } from "./limits.ts";
import type { WireMessage } from "./wire-message.ts";
import type { WireReader } from "./wire-reader.ts";

/** The store directory (under 1,024 characters), a slash, the digest, a dash and a name of at most 211. */
const maxPath = 1024 + 1 + 32 + 1 + 211;
const maxOutputs = 4096;
const maxSignature = 512;
const maxAddress = 256;
const maxHash = 160;

/** What is read of paths: from one store's directory, and within the limits. */
export interface PathRules {
  readonly directory: string;
  readonly limits: Pick<ProtocolLimits, "paths" | "narSize">;
}

export async function readStorePath(reader: WireReader, rules: PathRules): Promise<StorePath> {
  return parseStorePath(await reader.string(maxPath, "a store path"), rules.directory);
}

/** The empty string stands for none. */
export async function readOptionalPath(reader: WireReader, rules: PathRules): Promise<StorePath | null> {
  const text = await reader.string(maxPath, "a store path");
  return text === "" ? null : parseStorePath(text, rules.directory);
}

/** A set: what stands in it twice is not one that Nix wrote. */
export async function readStorePaths(reader: WireReader, rules: PathRules): Promise<StorePath[]> {
  const count = await reader.count(rules.limits.paths, "store paths");
  const paths = new Set<StorePath>();
  for (let n = 0; n < count; n++) {
    const path = await readStorePath(reader, rules);
    if (paths.has(path)) throw new NixsealError("malformed", `${path} stands twice in one set`);
    paths.add(path);
  }
  return [...paths];
}

/** What a client would like to have: a path, or outputs of a derivation. */
export interface Wanted {
  readonly path: StorePath;
  readonly outputs: boolean;
}

/** `DerivedPath`s since 1.30: `PATH`, or `DERIVATION!OUTPUT,…` (`!*` for all of them). */
export async function readWanted(reader: WireReader, rules: PathRules): Promise<Wanted[]> {
  const count = await reader.count(rules.limits.paths, "wanted paths");
  const wanted: Wanted[] = [];
  for (let n = 0; n < count; n++) {
    const text = await reader.string(maxPath + maxOutputs, "a wanted path");
    const mark = text.indexOf("!");
    const path = parseStorePath(mark === -1 ? text : text.slice(0, mark), rules.directory);
    if (mark !== -1 && !/^(?:\*|[A-Za-z0-9+._?=-]+(?:,[A-Za-z0-9+._?=-]+)*)$/.test(text.slice(mark + 1)))
      throw new NixsealError("malformed", `the outputs of ${path} are not a list of names`);
    wanted.push({ path, outputs: mark !== -1 });
  }
  return wanted;
}

export async function readSignatures(reader: WireReader): Promise<Signature[]> {
  const count = await reader.count(maxSignatures, "signatures");
  const signatures: Signature[] = [];
  for (let n = 0; n < count; n++)
    signatures.push(parseSignature(await reader.string(maxSignature, "a signature")));
  return signatures;
}

async function readContentAddress(reader: WireReader): Promise<ContentAddress | null> {
  const text = await reader.string(maxAddress, "a content address");
  return text === "" ? null : parseContentAddress(text);
}

async function readSize(reader: WireReader, rules: PathRules): Promise<number> {
  const size = await reader.integer("the size of a NAR");
  if (size === 0) throw new NixsealError("malformed", "the size of a NAR is zero");
  if (size > rules.limits.narSize)
    throw new NixsealError("limit", `a NAR of ${size} bytes: at most ${rules.limits.narSize} are accepted`);
  return size;
}

/** What `AddToStoreNar` of both protocols says of a path (ValidPathInfo of the worker protocol since 1.16). */
export async function readPathInfo(reader: WireReader, rules: PathRules): Promise<PathInfo> {
  return readInfoOf(await readStorePath(reader, rules), reader, rules);
}

/** The same where the path is known already (UnkeyedValidPathInfo). */
export async function readInfoOf(path: StorePath, reader: WireReader, rules: PathRules): Promise<PathInfo> {
  const deriver = await readOptionalPath(reader, rules);
  const narHash = parseDigest("sha256", await reader.string(maxHash, "a NAR hash"));
  const references = await readStorePaths(reader, rules);
  const registrationTime = await reader.integer("a registration time");
  const narSize = await readSize(reader, rules);
  const ultimate = await reader.boolean("'ultimate'");
  const signatures = await readSignatures(reader);
  const contentAddress = await readContentAddress(reader);
  return {
    path,
    deriver,
    narHash,
    references,
    registrationTime,
    narSize,
    ultimate,
    signatures,
    contentAddress,
  };
}

export function writePathInfo(message: WireMessage, info: PathInfo): WireMessage {
  return writeInfo(message.string(info.path), info);
}

export function writeInfo(message: WireMessage, info: PathInfo): WireMessage {
  message.string(info.deriver ?? "").string(formatHash(info.narHash, "base16"));
  return writeSignatures(
    message
      .strings([...info.references].sort(byPath))
      .integer(info.registrationTime ?? 0)
      .integer(info.narSize)
      .boolean(info.ultimate),
    info.signatures,
  ).string(addressText(info));
}

/** `QueryPathInfos` of the serve protocol has its own order, and a download size that repeats the other. */
export async function readServeInfo(
  path: StorePath,
  reader: WireReader,
  rules: PathRules,
): Promise<PathInfo> {
  const deriver = await readOptionalPath(reader, rules);
  const references = await readStorePaths(reader, rules);
  await reader.integer("a download size");
  const narSize = await readSize(reader, rules);
  const narHash = parseSha256(await reader.string(maxHash, "a NAR hash"));
  const contentAddress = await readContentAddress(reader);
  const signatures = await readSignatures(reader);
  return {
    path,
    deriver,
    narHash,
    references,
    registrationTime: null,
    narSize,
    ultimate: false,
    signatures,
    contentAddress,
  };
}

export function writeServeInfo(message: WireMessage, info: PathInfo): WireMessage {
  message
    .string(info.path)
    .string(info.deriver ?? "")
    .strings([...info.references].sort(byPath))
    .integer(info.narSize)
    .integer(info.narSize)
    .string(typedNix32(info.narHash))
    .string(addressText(info));
  return writeSignatures(message, info.signatures);
}

export function writeSignatures(message: WireMessage, signatures: readonly Signature[]): WireMessage {
  return message.strings([...new Set(signatures.map(formatNamed))].sort());
}

function addressText(info: PathInfo): string {
  return info.contentAddress === null ? "" : formatContentAddress(info.contentAddress);
}

function parseSha256(text: string): Hash {
  const hash = parseHash(text);
  if (hash.algorithm !== "sha256")
    throw new NixsealError("malformed", `a NAR hash is sha256, not ${hash.algorithm}`);
  return hash;
}
