import { printable } from "../printable.ts";
import type { Change } from "./memory.ts";

/**
 * What changed, the newest first, as JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/). `address` is where the results can
 * be read; without it entries have no links. Texts are plain: what a repository holds becomes no markup of a feed reader.
 */
export function jsonFeed(changes: readonly Change[], address: string | null): string {
  const feed = {
    version: "https://jsonfeed.org/version/1.1",
    title: "nixseal audits",
    description: "What is new and what is gone in the audited targets",
    ...(address === null ? {} : { home_page_url: address, feed_url: `${address}feed.json` }),
    items: changes.map(({ id, at, name, title, text, severity }) => ({
      id,
      ...(address === null ? {} : { url: `${address}${encodeURIComponent(name)}.html` }),
      title: printable(title),
      content_text:
        text === ""
          ? printable(title)
          : text
              .split("\n")
              .map((line) => printable(line, 600))
              .join("\n"),
      date_published: at,
      tags: [name, severity],
    })),
  };
  return `${JSON.stringify(feed, null, 2)}\n`;
}
