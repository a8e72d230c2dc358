/** What is or would be written to a host, as the verb prints it. */
import * as z from "zod";
import type { HostFile } from "../../gate/setup/host-files.ts";
import type { Change } from "../../gate/setup/write.ts";

export const fileView = z.object({
  path: z.string(),
  kind: z.enum(["file", "link", "line", "absent"]),
  mode: z.string().describe("four octal digits; all belong to root").optional(),
  content: z.string().describe("of a link: where it leads"),
  change: z.enum(["new", "changed", "removed", "same"]).optional(),
});

type FileView = z.output<typeof fileView>;

export function viewOf(file: HostFile, change?: Change): FileView {
  const { path, kind } = file;
  const done = change === undefined ? {} : { change };
  if (kind === "link") return { path, kind, content: file.target, ...done };
  if (kind === "line") return { path, kind, content: file.line, ...done };
  if (kind === "absent") return { path, kind, content: "", ...done };
  return { path, kind, mode: file.mode.toString(8).padStart(4, "0"), content: file.content, ...done };
}

export function headOf({ path, kind, mode, content }: FileView): string {
  if (kind === "link") return `${path} → ${content}`;
  if (kind === "absent") return path;
  return kind === "line" ? `${path}, at its end` : `${path} (root:root ${mode})`;
}

export function bodyOf({ kind, content }: FileView): string {
  if (kind === "link") return "";
  return kind === "line" ? `${content}\n` : content;
}
