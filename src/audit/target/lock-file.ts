import { NixsealError } from "../../core/errors.ts";

/** A locked input of flake.lock, as far as checks look at it. */
export interface LockedInput {
  readonly name: string;
  /** The names by which the flake or its inputs reach it; `root` is the flake itself. */
  readonly line: number;
  readonly type: string;
  readonly url: string;
  readonly rev: string | null;
  readonly narHash: string | null;
  /** Seconds since 1970. */
  readonly lastModified: number | null;
  readonly owner: string;
  readonly repo: string;
  /** What flake.nix asks for: `indirect` goes through the registry of whoever updates. */
  readonly originalType: string;
  readonly originalRef: string;
  readonly originalUrl: string;
}

export interface LockFile {
  readonly file: string;
  readonly inputs: readonly LockedInput[];
  /** Names of the flake's own inputs. */
  readonly direct: readonly string[];
}

const mostInputs = 5000;

/** Reads flake.lock of the versions 5 to 7 (flakes were still called experimental when 7 came). Throws `malformed`. */
export function parseLockFile(file: string, text: string): LockFile {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new NixsealError("malformed", "the lock file is not JSON", { where: { file, line: 1 }, cause });
  }
  const top = record(parsed);
  const version = top["version"];
  if (typeof version !== "number" || version < 5 || version > 7)
    throw new NixsealError("malformed", "the lock file has no version that is known", {
      where: { file, line: 1 },
    });
  const nodes = record(top["nodes"]);
  const root = textOf(top["root"]) || "root";
  const entries = Object.entries(nodes).filter(([name]) => name !== root);
  if (entries.length > mostInputs)
    throw new NixsealError("limit", `the lock file has more than ${mostInputs} inputs`, {
      where: { file, line: 1 },
    });
  const lines = linesOfKeys(text);
  return {
    file,
    direct: Object.keys(record(record(nodes[root])["inputs"])),
    inputs: entries.map(([name, node]) => inputOf(name, record(node), lines.get(name) ?? 1)),
  };
}

function inputOf(name: string, node: Fields, line: number): LockedInput {
  const [locked, original] = [record(node["locked"]), record(node["original"])];
  const modified = locked["lastModified"];
  return {
    name,
    line,
    type: textOf(locked["type"]),
    url: textOf(locked["url"]),
    rev: textOf(locked["rev"]) || null,
    narHash: textOf(locked["narHash"]) || null,
    lastModified: typeof modified === "number" && Number.isFinite(modified) ? modified : null,
    owner: textOf(locked["owner"]),
    repo: textOf(locked["repo"]),
    originalType: textOf(original["type"]),
    originalRef: textOf(original["ref"]),
    originalUrl: textOf(original["url"]),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function record(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Where each key that opens an object first stands: Nix writes one a line. */
function linesOfKeys(text: string): Map<string, number> {
  const found = new Map<string, number>();
  text.split("\n").forEach((line, index) => {
    const name = /^\s*"([^"\\]{1,200})"\s*:\s*\{/.exec(line)?.[1];
    if (name !== undefined && !found.has(name)) found.set(name, index + 1);
  });
  return found;
}
