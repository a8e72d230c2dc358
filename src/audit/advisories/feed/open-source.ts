import { NixsealError, at } from "../../../core/errors.ts";
import type { Http } from "../../../core/http-ports.ts";
import type { Files } from "../../../core/file-ports.ts";
import { parseBundle } from "./bundle.ts";
import { directorySource, httpSource, type FeedSource } from "./source.ts";

/** Four layers of the largest size; a bundle is read whole. */
const largestBundle = 1 << 30;

/** The feed under a URL, in a directory or in a bundle. `not-found` when there is no such file; errors call it `name`. */
export async function openSource(
  { files, http }: { readonly files: Pick<Files, "read" | "status">; readonly http: Http },
  place: string,
  name: string = place,
): Promise<FeedSource> {
  if (/^https?:\/\//.test(place)) return httpSource(http, place);
  const status = await files.status(place);
  if (status === null) throw new NixsealError("not-found", `${name}: no such file or directory`);
  if (status.kind === "directory") return directorySource(files, place);
  try {
    return parseBundle(await files.read(place, { limit: largestBundle }));
  } catch (error) {
    throw at(error, { file: name });
  }
}
