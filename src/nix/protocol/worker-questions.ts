import { NixsealError } from "../../core/errors.ts";
import {
  readSignatures,
  readStorePath,
  readStorePaths,
  readWanted,
  writeInfo,
  type PathRules,
  type Wanted,
} from "./path-info-wire.ts";
import type { Store } from "./store.ts";
import { WireMessage } from "./wire-message.ts";
import type { WireReader } from "./wire-reader.ts";
import { workerOperations } from "./worker-protocol.ts";

/** Gives the result of an operation, once all of its request was read. */
export type Question = () => Promise<WireMessage>;

/**
 * Reads the rest of an operation that carries no archive in either direction; null for any other operation, of which
 * nothing was read then.
 */
export async function readQuestion(
  operation: number,
  reader: WireReader,
  store: Store,
  rules: PathRules,
): Promise<Question | null> {
  switch (operation) {
    case workerOperations.isValidPath: {
      const path = await readStorePath(reader, rules);
      return async () => new WireMessage().boolean((await store.queryValidPaths([path])).includes(path));
    }
    case workerOperations.queryValidPaths: {
      const paths = await readStorePaths(reader, rules);
      await reader.boolean("'substitute'"); // this side fetches nothing on a client's wish
      return async () => new WireMessage().strings([...(await store.queryValidPaths(paths))].sort());
    }
    case workerOperations.queryPathInfo: {
      const path = await readStorePath(reader, rules);
      return async () => {
        const info = await store.queryPathInfo(path);
        const message = new WireMessage().boolean(info !== null);
        return info === null ? message : writeInfo(message, info);
      };
    }
    case workerOperations.queryMissing: {
      const wanted = await readWanted(reader, rules);
      return () => missing(wanted, store);
    }
    case workerOperations.ensurePath: {
      const path = await readStorePath(reader, rules);
      return async () => {
        if ((await store.queryValidPaths([path])).includes(path)) return new WireMessage().integer(1);
        throw new NixsealError(
          "not-found",
          `path '${path}' is not valid, and nothing is fetched from elsewhere`,
        );
      };
    }
    case workerOperations.addTempRoot: {
      const path = await readStorePath(reader, rules);
      return async () => {
        await store.addTempRoots([path]);
        return new WireMessage().integer(1);
      };
    }
    case workerOperations.addSignatures: {
      const path = await readStorePath(reader, rules);
      const signatures = await readSignatures(reader);
      return async () => {
        const answer = await store.addSignatures(path, signatures);
        if (!answer.accepted) throw new NixsealError("refused", `${path}: ${answer.reason}`);
        return new WireMessage().integer(1);
      };
    }
    default:
      return null;
  }
}

/**
 * To be built, to be substituted, unknown, and the sizes of a download. Nothing is built or fetched here: what is not
 * valid is unknown, and outputs of a derivation would have to be built, which is refused when it is asked for.
 */
async function missing(wanted: readonly Wanted[], store: Store): Promise<WireMessage> {
  const valid = new Set(await store.queryValidPaths([...new Set(wanted.map(({ path }) => path))]));
  return new WireMessage()
    .strings(sorted(wanted.filter(({ path, outputs }) => outputs && valid.has(path))))
    .strings([])
    .strings(sorted(wanted.filter(({ path }) => !valid.has(path))))
    .integer(0)
    .integer(0);
}

function sorted(wanted: readonly Wanted[]): string[] {
  return [...new Set(wanted.map(({ path }) => path))].sort();
}
