/** Warrants that the gate knows: those that are offered, whose paths may come, and the one of the running system. */
import { join } from "node:path";
import { utf8, utf8Text } from "../core/bytes.ts";
import { canonicalJson } from "../core/canonical-json.ts";
import { at, NixsealError } from "../core/errors.ts";
import type { Files } from "../core/file-ports.ts";
import { Field } from "../nix/json-fields.ts";
import {
  formatWarrantEnvelope,
  parseWarrantEnvelope,
  type WarrantEnvelope,
} from "../trust/warrant/envelope.ts";
import { warrantLimits } from "../trust/warrant/limits.ts";
import type { Link } from "../trust/warrant/sequence.ts";
import { readChecked, writeChecked } from "./checked-file.ts";
import type { GatePaths } from "./paths.ts";

/** Offered at once: each is a closure to read at every upload. */
export const mostPending = 8;

const digestPattern = /^([0-9a-f]{64})\.json$/;
const largestLinks = 1 << 20;

/** Digests of what is offered, sorted. */
export async function pendingDigests(
  files: Pick<Files, "list" | "statusOfLink">,
  { pending }: Pick<GatePaths, "pending">,
): Promise<string[]> {
  if ((await files.statusOfLink(pending)) === null) return [];
  return (await files.list(pending)).flatMap((name) => digestPattern.exec(name)?.[1] ?? []);
}

/** An offered warrant; null when it is not there. `malformed` when the file holds another than its name says. */
export async function readPending(
  files: Pick<Files, "read">,
  { pending }: Pick<GatePaths, "pending">,
  digest: string,
): Promise<WarrantEnvelope | null> {
  const file = join(pending, `${digest}.json`);
  try {
    const envelope = parseWarrantEnvelope(
      await files.read(file, { limit: warrantLimits.file, follow: false }),
    );
    if (envelope.digest === digest) return envelope;
    throw new NixsealError("malformed", "this is another warrant than the file's name says");
  } catch (error) {
    if (error instanceof NixsealError && error.code === "not-found") return null;
    throw at(error, { file });
  }
}

/** The warrant of the running system; null when none was activated by the gate yet. */
export function readActive(
  files: Pick<Files, "read">,
  { active }: Pick<GatePaths, "active">,
): Promise<WarrantEnvelope | null> {
  return readChecked(files, active, warrantLimits.file, parseWarrantEnvelope);
}

export function writeActive(
  files: Pick<Files, "writeAtomic">,
  { active }: Pick<GatePaths, "active">,
  envelope: WarrantEnvelope,
): Promise<void> {
  return writeChecked(files, active, formatWarrantEnvelope(envelope));
}

/** The links first: with the warrant's file it is offered, and without them it could not be decided on again. */
export async function writePending(
  files: Pick<Files, "writeAtomic" | "makeDirectory">,
  { pending }: Pick<GatePaths, "pending">,
  envelope: WarrantEnvelope,
  between: readonly Link[],
): Promise<void> {
  await files.makeDirectory(pending, { mode: 0o755, parents: true });
  const links = between.map(({ subject, ...rest }) => ({ ...rest, [subject.kind]: subject.name }));
  await writeChecked(files, linksFile(pending, envelope.digest), utf8(`${canonicalJson(links)}\n`));
  await files.writeAtomic(join(pending, `${envelope.digest}.json`), formatWarrantEnvelope(envelope), {
    mode: 0o644,
  });
}

export async function removePending(
  files: Pick<Files, "remove">,
  { pending }: Pick<GatePaths, "pending">,
  digest: string,
): Promise<void> {
  for (const file of [join(pending, `${digest}.json`), linksFile(pending, digest)])
    try {
      await files.remove(file);
    } catch (error) {
      if (!(error instanceof NixsealError) || error.code !== "not-found") throw error;
    }
}

/** What was proved about the warrants between when this one was offered. */
export async function readLinks(
  files: Pick<Files, "read">,
  { pending }: Pick<GatePaths, "pending">,
  digest: string,
): Promise<readonly Link[]> {
  return (await readChecked(files, linksFile(pending, digest), largestLinks, parseLinks)) ?? [];
}

function linksFile(pending: string, digest: string): string {
  return join(pending, `${digest}.links`);
}

function parseLinks(body: Uint8Array): Link[] {
  return Field.parse(utf8Text(body, "the links"), "links")
    .items()
    .map((item) => {
      const kind = item.has("host") ? "host" : "group";
      return {
        fleet: item.get("fleet").string(),
        subject: { kind, name: item.get(kind).string() },
        seq: item.get("seq").count(),
        prev: item.get("prev").isNull ? null : item.get("prev").string(),
        digest: item.get("digest").string(),
      };
    });
}
