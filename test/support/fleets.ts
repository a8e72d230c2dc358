/** Inventories for tests: from text, without a disk. */
import { createHash } from "node:crypto";
import { utf8 } from "../../src/core/bytes.ts";
import { inspectSources, problemsError, type Inspection } from "../../src/inventory/load.ts";
import type { Fleet } from "../../src/inventory/model.ts";
import { sourceOf, type Source } from "../../src/inventory/sources.ts";

/** A well-formed ssh-ed25519 line, always the same for one seed. Nobody has its private half. */
export function keyLine(seed: string): string {
  const point = createHash("sha256").update(seed).digest();
  const blob = Buffer.concat([wire(Buffer.from("ssh-ed25519")), wire(point)]);
  return `ssh-ed25519 ${blob.toString("base64")}`;
}

function wire(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** fleet.toml first, then the included files in their order. */
export function sourcesOf(texts: Readonly<Record<string, string>>): Source[] {
  return Object.entries(texts).map(([file, text]) => sourceOf(file, utf8(text)));
}

export function inspectText(text: string): Promise<Inspection> {
  return inspectSources(sourcesOf({ "fleet.toml": text }));
}

export async function fleetOf(text: string): Promise<Fleet> {
  const { fleet, problems } = await inspectText(text);
  if (fleet === null) throw problemsError(problems);
  return fleet;
}
