/** Writes what `hostFiles` lists below a directory: that of an image, a container, or `/` itself. */
import { basename, dirname } from "node:path";
import { utf8, utf8Text } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import type { HostFile } from "./host-files.ts";

export type Change = "new" | "changed" | "removed" | "same";

type Writes = Pick<Files, "statusOfLink" | "readLink" | "read" | "writeAtomic" | "remove" | "symlink">;

/** Where a directory of the host really is below the root; made when it is not there. `refused` where others may write. */
export type Directories = (path: string) => Promise<string>;

const largest = 1 << 20;

/** Each one whole or not at all. What is there already is left alone, so that a second run changes nothing. */
export async function writeHostFile(
  files: Writes,
  directories: Directories,
  wanted: HostFile,
): Promise<Change> {
  const path = `${await directories(dirname(wanted.path))}/${basename(wanted.path)}`;
  const found = await files.statusOfLink(path);
  if (wanted.kind === "absent") {
    if (found === null) return "same";
    await files.remove(path);
    return "removed";
  }
  if (wanted.kind === "link") {
    if (found?.kind === "symlink" && (await files.readLink(path)) === wanted.target) return "same";
    if (found !== null) await files.remove(path);
    await files.symlink(wanted.target, path);
    return found === null ? "new" : "changed";
  }
  if (found !== null && found.kind !== "file")
    throw new NixsealError("conflict", "there is something else than a file", { where: { file: path } });
  const before =
    found === null ? null : utf8Text(await files.read(path, { limit: largest, follow: false }), path);
  const content = wanted.kind === "file" ? wanted.content : withLine(before ?? "", wanted.line);
  const mode = wanted.kind === "file" ? wanted.mode : (found?.mode ?? 0o644);
  if (content === before && mode === found?.mode) return "same";
  await files.writeAtomic(path, utf8(content), { mode });
  return found === null ? "new" : "changed";
}

/** The line at the end, wherever it stood before: in nix.conf what comes last counts. */
function withLine(text: string, line: string): string {
  const rest = text.split("\n").filter((one) => one.trim() !== line);
  while (rest.at(-1) === "") rest.pop();
  return `${[...rest, line].join("\n")}\n`;
}
