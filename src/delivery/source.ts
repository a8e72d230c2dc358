import {
  cacheDirectory,
  headFile,
  headLimit,
  orderFile,
  parseHead,
  statusFile,
  type DeliveryHead,
} from "./head.ts";
import type { Subject } from "../trust/warrant/model.ts";
import { warrantLimits } from "../trust/warrant/limits.ts";
import { statusLimit } from "../trust/warrant/status-bundle.ts";
import { NixsealError } from "../core/errors.ts";
import type { Reader } from "./reader.ts";

/** Where a host gets its orders from. Everything that it says is somebody's claim until the gate has decided. */
export interface OrderSource {
  /** For messages. */
  readonly name: string;
  /**
   * Where the host's sequence stands; `tag` stands for this answer. Null when that is what `tag` stood for already.
   */
  head(tag: string | null): Promise<{ readonly head: DeliveryHead; readonly tag: string | null } | null>;
  /** A warrant's file. */
  order(subject: Subject, seq: number): Promise<Uint8Array>;
  /** A status bundle. */
  status(): Promise<Uint8Array>;
}

/** The orders of a delivery's files. */
export function orderFiles(reader: Reader, host: string): OrderSource {
  const whole = async (file: string, limit: number): Promise<Uint8Array> => {
    const found = await reader.get(file, limit);
    if (found !== null) return found.bytes;
    throw new NixsealError("io", `${reader.name}: the server says that ${file} is unchanged, unasked`);
  };
  return {
    name: reader.name,
    head: async (tag) => {
      const found = await reader.get(headFile(host), headLimit, tag);
      return found === null ? null : { head: parseHead(found.bytes), tag: found.tag };
    },
    order: (subject, seq) => whole(orderFile(subject, seq), warrantLimits.file),
    status: () => whole(statusFile(host), statusLimit),
  };
}

/** The archives beside them. */
export function cacheOf(reader: Reader): Reader {
  const inside = (file: string): string => `${cacheDirectory}/${file}`;
  return {
    name: `${reader.name}/${cacheDirectory}`,
    get: (file, limit, tag) => reader.get(inside(file), limit, tag),
    stream: (file, limit) => reader.stream(inside(file), limit),
  };
}
