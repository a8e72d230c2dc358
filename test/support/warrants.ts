/** A small fleet's trust in memory, and warrants in it: for tests of what is accepted. */
import { createHash } from "node:crypto";
import { parseSelectorEntry } from "../../src/inventory/selector-entry.ts";
import { nix32 } from "../../src/nix/base32.ts";
import { sha256 } from "../../src/nix/hash.ts";
import { byPath, fromBaseName, type StorePath } from "../../src/nix/store-path.ts";
import { privateKeySigner, signMessage, type Signer } from "../../src/ssh/signer.ts";
import { formatRights, rightsOption, type Rights } from "../../src/trust/certificates/rights.ts";
import type { Root } from "../../src/trust/root/root.ts";
import type { ClosurePath } from "../../src/trust/warrant/closure.ts";
import type { WarrantPolicy } from "../../src/trust/warrant/decide.ts";
import type { WarrantEnvelope } from "../../src/trust/warrant/envelope.ts";
import type { Warrant } from "../../src/trust/warrant/model.ts";
import { nothingAccepted } from "../../src/trust/warrant/state.ts";
import { encodeWarrant, parseWarrant, payloadDigest } from "../../src/trust/warrant/warrant.ts";
import { warrantNamespace } from "../../src/trust/warrant/model.ts";
import { certificate, fixedKey, type CertificateFields } from "./ssh-artifacts.ts";

export const ca = fixedKey(90);
export const noon = new Date("2030-06-01T12:00:00Z");
export const hour = 3_600_000;

export function later(hours: number): Date {
  return new Date(noon.getTime() + hours * hour);
}

export function selectors(...texts: string[]) {
  return texts.map((text) => parseSelectorEntry(text)!);
}

export const root: Root = {
  version: 3,
  fleet: "test",
  expires: new Date("2031-01-01T00:00:00Z"),
  root: { keys: [fixedKey(91).publicKey], threshold: 1 },
  ca: { keys: [ca.publicKey] },
  warrant: { threshold: 2, groups: new Map([["vault", 3]]) },
  upstream: [],
  groups: new Map([
    ["edge", selectors("tag:edge")],
    ["vault", selectors("vault-*")],
  ]),
  gateEpoch: 0,
};

export const web = { name: "web", labels: ["edge"] };

export const policy: WarrantPolicy = {
  root,
  revocations: null,
  host: web,
  storeDirectory: "/nix/store",
  state: nothingAccepted,
  clock: noon,
};

export interface MemberFields extends Partial<CertificateFields> {
  readonly rights?: Partial<Rights>;
}

/** A member's signer: the key of that number, with a certificate for the name. */
export function member(name: string, number: number, fields: MemberFields = {}): Signer {
  const { rights, ...rest } = fields;
  const given: Rights = {
    rights: ["activate"],
    hosts: selectors("*"),
    maxClosureBytes: null,
    touch: null,
    ...rights,
  };
  const key = fixedKey(number);
  const from = BigInt(later(-1).getTime() / 1000);
  const issued = certificate({
    key: key.publicKey,
    ca,
    serial: BigInt(number),
    principals: [name],
    validAfter: from,
    validBefore: from + 13n * 3600n,
    critical: [[rightsOption, formatRights(given)]],
    ...rest,
  });
  return privateKeySigner(key, issued);
}

export const alice = member("alice", 1);
export const bob = member("bob", 2);
export const carol = member("carol", 3);

/** A path whose digest follows from its name. */
export function pathOf(name: string): StorePath {
  const digest = createHash("sha1").update(name).digest();
  return fromBaseName(`${nix32(new Uint8Array(digest))}-${name}`);
}

export function closurePath(name: string, references: readonly string[] = [], content = name): ClosurePath {
  return {
    path: pathOf(name),
    narHash: sha256(content),
    narSize: 100 + content.length,
    references: references.map(pathOf).sort(byPath),
    contentAddress: null,
  };
}

export function sorted(paths: readonly ClosurePath[]): ClosurePath[] {
  return [...paths].sort((a, b) => byPath(a.path, b.path));
}

export const system = [
  closurePath("system-1.0", ["openssl-3.0.13", "glibc-2.39"]),
  closurePath("openssl-3.0.13", ["glibc-2.39"]),
  closurePath("glibc-2.39", ["glibc-2.39"]),
];

/** A warrant that two of the members above make good at noon. */
export function warrant(fields: Partial<Warrant> = {}): Warrant {
  return {
    fleet: "test",
    subject: { kind: "host", name: "web" },
    seq: 1,
    prev: null,
    notBefore: later(-1),
    expires: later(23),
    action: "switch",
    toplevel: pathOf("system-1.0"),
    drvPath: null,
    source: null,
    paths: sorted(system),
    ...fields,
  };
}

export async function signed(order: Warrant, ...signers: readonly Signer[]): Promise<WarrantEnvelope> {
  const payload = encodeWarrant(order);
  const signatures = [];
  for (const signer of signers) signatures.push(await signMessage(payload, warrantNamespace, signer));
  return { payload, warrant: parseWarrant(payload), digest: payloadDigest(payload), signatures };
}

/** The warrant that follows. */
export function next(before: WarrantEnvelope, fields: Partial<Warrant> = {}): Warrant {
  return warrant({ seq: before.warrant.seq + 1, prev: before.digest, ...fields });
}
