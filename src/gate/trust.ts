/** The root and the revocation list that this host goes by: the newest that it accepted, in one file so that they are always of one time. */
import { at, NixsealError } from "../core/errors.ts";
import type { Files } from "../core/file-ports.ts";
import { parseKrl, type Krl } from "../ssh/krl.ts";
import { decideKrl, digestOf, type KrlEvidence } from "../trust/certificates/decide.ts";
import { untrusted, type TrustRefusal } from "../trust/refusal.ts";
import { decideChain, effectiveTime, signersAmong } from "../trust/root/decide.ts";
import { envelopeLimits, parseEnvelope, type Envelope } from "../trust/root/envelope.ts";
import type { SeenKrl } from "../trust/root/seen.ts";
import { formatStatusBundle, parseStatusBundle, type StatusBundle } from "../trust/warrant/status-bundle.ts";
import { readChecked, writeChecked } from "./checked-file.ts";
import type { GateConfig } from "./config.ts";
import type { GatePaths } from "./paths.ts";

export interface GateTrust {
  readonly root: Envelope;
  /** With its signatures, for whoever wants to see them. */
  readonly evidence: KrlEvidence | null;
  readonly krl: Krl | null;
}

const largest = 32 << 20;

/** What was accepted last, or where there is nothing yet, the root that the administrator put there. */
export async function readGateTrust(
  files: Pick<Files, "read">,
  paths: Pick<GatePaths, "trust" | "anchor">,
  { fleet }: Pick<GateConfig, "fleet">,
): Promise<GateTrust> {
  const kept = await readChecked(files, paths.trust, largest, parseTrust);
  const trust = kept ?? (await readAnchor(files, paths.anchor));
  if (trust.root.root.fleet === fleet) return trust;
  throw new NixsealError("config", `the root is of the fleet '${trust.root.root.fleet}', not '${fleet}'`, {
    where: { file: kept === null ? paths.anchor : paths.trust },
  });
}

export async function writeGateTrust(
  files: Pick<Files, "writeAtomic">,
  paths: Pick<GatePaths, "trust">,
  { root, evidence }: GateTrust,
): Promise<void> {
  const bundle = { roots: [root], krl: evidence, heads: new Map() };
  await writeChecked(files, paths.trust, formatStatusBundle(bundle));
}

/**
 * What a bundle moves on to, from what is trusted: neither root nor list ever goes back. A bundle proves itself, so it counts also when
 * the warrant beside it does not: a revocation must not be held up by an order.
 */
export function decideTrust(
  trusted: GateTrust,
  bundle: StatusBundle,
  now: Date,
): ({ readonly accepted: true } & GateTrust) | TrustRefusal {
  const chain = decideChain(trusted.root.root, bundle.roots, now);
  if (!chain.accepted) return chain;
  const newest = bundle.roots.at(-1)!;
  // Else one root would be decided by, and another kept.
  if (newest.root.version !== chain.root.version)
    return untrusted("root-version", "the roots do not come in the order of their versions");
  const list = decideKrl(bundle.krl, { root: chain.root, seen: seenOf(trusted), now });
  if (!list.accepted) return list;
  // The one that is kept already has the signatures that it was accepted by; of the same bytes sent again nobody looks at any.
  const root = chain.root.version === trusted.root.root.version ? trusted.root : newest;
  return { accepted: true, root, evidence: bundle.krl, krl: list.krl };
}

/** The latest time in what is trusted: that of the revocation list's making. */
export function trustFloor({ krl }: GateTrust, floor: Date | null): Date | null {
  return krl === null ? floor : effectiveTime(new Date(Number(krl.generated) * 1000), floor);
}

function seenOf({ krl, evidence }: GateTrust): SeenKrl | null {
  return krl === null || evidence === null ? null : { version: krl.version, digest: digestOf(evidence.file) };
}

function parseTrust(body: Uint8Array): GateTrust {
  const { roots, krl } = parseStatusBundle(body);
  const root = roots.at(-1);
  if (root === undefined) throw new NixsealError("malformed", "there is no root in it");
  return { root, evidence: krl, krl: krl === null ? null : parseKrl(krl.file) };
}

/** Any version will do, since root put it there; but whole, or the wrong file was copied. */
async function readAnchor(files: Pick<Files, "read">, file: string): Promise<GateTrust> {
  try {
    const root = parseEnvelope(await files.read(file, { limit: envelopeLimits.file }));
    const { keys, threshold } = root.root.root;
    if (signersAmong(root, keys).size >= threshold) return { root, evidence: null, krl: null };
  } catch (error) {
    throw at(error, { file });
  }
  throw new NixsealError("refused", "too few of its own keys have signed the root", {
    hint: "copy the fleet's trust/root.json there",
    where: { file },
  });
}
