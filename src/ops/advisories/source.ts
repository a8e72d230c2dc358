/** The feed that a person names: a directory, a bundle, or a URL. */
import { resolve } from "node:path";
import { NixsealError } from "../../core/errors.ts";
import { openSource } from "../../audit/advisories/feed/open-source.ts";
import type { FeedSource } from "../../audit/advisories/feed/source.ts";
import type { Context } from "../op.ts";

export async function sourceOf(
  { files, http, workingDirectory }: Pick<Context, "files" | "http" | "workingDirectory">,
  text: string,
): Promise<FeedSource> {
  if (/^https?:\/\//.test(text)) return openSource({ files, http }, text);
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text) && !text.startsWith("file://"))
    throw new NixsealError("usage", `'${text}' is no feed`, {
      hint: "a feed is a directory, a bundle, or a URL of http, https or file",
    });
  const path = text.startsWith("file://") ? pathOfUrl(text) : resolve(workingDirectory, text);
  return openSource({ files, http }, path, text);
}

function pathOfUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  const local = url !== null && (url.hostname === "" || url.hostname === "localhost");
  // Escapes beyond ASCII can be broken UTF-8, and these two would change what the path is.
  if (!local || /%(?![0-7][0-9a-f])|%00|%2f/i.test(text))
    throw new NixsealError("usage", `'${text}' is no file of this machine`, {
      hint: "give the path without file://",
    });
  return decodeURIComponent(url.pathname);
}
