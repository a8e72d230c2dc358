/** Roots, certificates and revocation lists for tests, signed in this process. */
import { parseSelectorEntry } from "../../src/inventory/selector-entry.ts";
import type { Ed25519PrivateKey } from "../../src/ssh/private-key-material.ts";
import { privateKeySigner, signMessage, type Signer } from "../../src/ssh/signer.ts";
import { rootNamespace, type Envelope } from "../../src/trust/root/envelope.ts";
import { encodeRoot, type Root } from "../../src/trust/root/root.ts";
import { fixedKey } from "./ssh-artifacts.ts";

export const start = new Date("2026-06-01T12:00:00Z");
export const later = (days: number): Date => new Date(start.getTime() + days * 86_400_000);
export const keys = Array.from({ length: 8 }, (_, index) => fixedKey(index + 1));

/** One root key (the first of `keys`), one CA (the eighth), a year. */
export function rootOf(fields: Partial<Root> = {}): Root {
  return {
    version: 1,
    fleet: "test",
    expires: later(365),
    root: { keys: [keys[0]!.publicKey], threshold: 1 },
    ca: { keys: [keys[7]!.publicKey] },
    warrant: { threshold: 1, groups: new Map([["edge", 2]]) },
    upstream: ["cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY="],
    groups: new Map([["edge", [parseSelectorEntry("tag:edge")!]]]),
    gateEpoch: 1,
    ...fields,
  };
}

export function rootKeys(threshold: number, ...numbers: number[]): Root["root"] {
  return { keys: numbers.map((number) => keys[number]!.publicKey), threshold };
}

/** The root with a signature of each key, a key as often as it is named. */
export async function signedRoot(
  root: Root,
  by: readonly (Ed25519PrivateKey | Signer)[],
  namespace: string = rootNamespace,
): Promise<Envelope> {
  const payload = encodeRoot(root);
  const signatures = await Promise.all(
    by.map((one) => signMessage(payload, namespace, "identity" in one ? one : privateKeySigner(one))),
  );
  return { payload, root, signatures };
}
