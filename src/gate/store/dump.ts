/** Everything that a store's database says, as a stream: what no single question about a path can answer. */
import { utf8Text } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Conversation, Processes } from "../../core/ports.ts";
import type { Signed } from "../../nix/fingerprint.ts";
import { parseDigest } from "../../nix/hash.ts";
import { parseStorePath, type StorePath } from "../../nix/store-path.ts";
import type { LocalStore } from "../../trust/warrant/local-store.ts";
import { splitLines } from "../ledger/split-lines.ts";

export interface DumpedPath extends Signed {
  /** A claim: no signature covers it. */
  readonly deriver: StorePath | null;
}

const limits = { line: 4096, references: 1_000_000 } as const;
/** Milliseconds without a line. */
const patience = 60_000;

/**
 * `nix-store --dump-db`, as an ordinary client of the daemon: path, hash in hex, size, deriver or an empty line, the number of
 * references, the references. `tool` when Nix fails, `malformed` for anything else than this.
 */
export async function* dumpStore(
  processes: Pick<Processes, "converse">,
  { store, environment }: LocalStore,
  storeDirectory: string,
): AsyncGenerator<DumpedPath> {
  const nix = processes.converse({
    program: "nix-store",
    args: [...(store === null ? [] : ["--store", store]), "--dump-db"],
    env: environment,
    timeout: patience,
  });
  let ended = false;
  try {
    const lines = splitLines(piecesOf(nix), limits.line);
    const next = async (): Promise<string | null> => {
      const line = await lines.next();
      if (line.done === true) return null;
      if (line.value.bytes === null || !line.value.whole) throw odd();
      return utf8Text(line.value.bytes, "the store's dump");
    };
    const demand = async (): Promise<string> => {
      const line = await next();
      if (line === null) throw odd();
      return line;
    };
    const path = (text: string): StorePath => parseStorePath(text, storeDirectory);
    for (let first = await next(); first !== null; first = await next()) {
      const hash = await demand();
      const size = await demand();
      const deriver = await demand();
      const count = await demand();
      if (!/^[0-9]{1,7}$/.test(count) || Number(count) > limits.references) throw odd();
      const references: StorePath[] = [];
      for (let i = 0; i < Number(count); i += 1) references.push(path(await demand()));
      if (!/^[0-9]{1,15}$/.test(size)) throw odd();
      yield {
        path: path(first),
        narHash: parseDigest("sha256", hash),
        narSize: Number(size),
        references,
        deriver: deriver === "" ? null : path(deriver),
      };
    }
    const { code, stderr } = await nix.end();
    ended = true;
    if (code !== 0)
      throw new NixsealError("tool", `nix-store --dump-db failed: ${stderr.trim().split("\n").at(-1) ?? ""}`);
  } finally {
    if (!ended) nix.kill();
  }
}

async function* piecesOf(nix: Conversation): AsyncGenerator<Uint8Array> {
  for (let piece = await nix.read(); piece !== null; piece = await nix.read()) yield piece;
}

function odd(): NixsealError {
  return new NixsealError("malformed", "nix-store --dump-db says something that is not understood");
}
