/** Every format that advisories are imported from. */
import type { Advisory } from "../advisory.ts";
import { parseCve5 } from "./cve5.ts";
import { parseEpss } from "./epss.ts";
import { parseKev } from "./kev.ts";
import { parseNvd } from "./nvd.ts";
import { parseOpenVex } from "./openvex.ts";
import { parseOsv } from "./osv.ts";

interface Importer {
  readonly parse: (bytes: Uint8Array) => Advisory[];
  /** Endings of the files in a directory that are meant. */
  readonly names: readonly string[];
  /** Only adds to advisories that are there. */
  readonly known: boolean;
}

const json = [".json", ".json.gz"];

export const importers = {
  osv: { parse: (bytes: Uint8Array) => [parseOsv(bytes)], names: json, known: false },
  cve5: { parse: (bytes: Uint8Array) => [parseCve5(bytes)], names: json, known: false },
  nvd: { parse: parseNvd, names: json, known: false },
  kev: { parse: parseKev, names: json, known: true },
  epss: { parse: parseEpss, names: [".csv", ".csv.gz"], known: true },
  vex: { parse: parseOpenVex, names: json, known: false },
} as const satisfies Record<string, Importer>;

export type ImportKind = keyof typeof importers;
