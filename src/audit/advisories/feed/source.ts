/** Where a feed is read from: the same names in a directory, under a URL, or in one file. Nothing of it is trusted. */
import { unlessMissing } from "../../../core/missing.ts";
import type { Http } from "../../../core/http-ports.ts";
import type { Files } from "../../../core/file-ports.ts";

export interface FeedSource {
  /** Null when there is nothing of this name; `limit` when it is longer. */
  fetch(name: string, limit: number): Promise<Uint8Array | null>;
}

export const layerName = (digest: string): string => `layers/${digest}`;

export function directorySource(files: Pick<Files, "read">, directory: string): FeedSource {
  return { fetch: (name, limit) => unlessMissing(() => files.read(`${directory}/${name}`, { limit })) };
}

/** `base` is the URL of the directory. */
export function httpSource(http: Http, base: string): FeedSource {
  const top = base.endsWith("/") ? base : `${base}/`;
  return {
    fetch: (name, limit) =>
      unlessMissing(() => http.get(new URL(name, top).href, { limit, timeout: 300_000 })),
  };
}
