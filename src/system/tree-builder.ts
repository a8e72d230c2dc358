import * as fs from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { NixsealError } from "../core/errors.ts";
import type { TreeBuilder, TreeFile } from "../core/tree-ports.ts";
import { systemError } from "./errors.ts";
import { onInterrupt } from "./on-interrupt.ts";
import { random } from "./random.ts";

/**
 * Builds a tree in a closed directory (mode 0700) beside its place and moves it there at the end. Modes are
 * those of any new file: 0666 or 0777 less the umask.
 */
export function treeBuilder(path: string): TreeBuilder {
  const place = resolve(path);
  refuseExisting(place);
  const aside = join(
    dirname(place),
    `.${basename(place).slice(0, 100)}.${Buffer.from(random.bytes(8)).toString("hex")}.partial`,
  );
  fs.mkdirSync(aside, { mode: 0o700 });
  const anchor = openAnchor(aside);
  const top = Buffer.from(`${anchor.path}/tree`);
  let made: "file" | "directory" | undefined;
  let open = true;

  const at = (relative: Uint8Array): Buffer =>
    relative.length === 0 ? top : Buffer.concat([top, Buffer.from("/"), relative]);
  const guarded = <T>(relative: Uint8Array, work: (full: Buffer) => T): T => {
    try {
      return work(at(relative));
    } catch (cause) {
      throw systemError(cause, join(place, Buffer.from(relative).toString()));
    }
  };
  const discard = (): void => {
    if (!open) return;
    open = false;
    callOff();
    try {
      fs.rmSync(top.toString(), { recursive: true, force: true });
    } finally {
      anchor.close();
    }
    fs.rmdirSync(aside);
  };

  const callOff = onInterrupt(discard);

  return {
    makeDirectory: async (relative) => {
      guarded(relative, (full) => fs.mkdirSync(full));
      if (relative.length === 0) made = "directory";
    },
    createFile: async (relative, { executable }) => {
      const file = guarded(relative, (full) => createFile(full, executable));
      if (relative.length === 0) made = "file";
      return file;
    },
    symlink: async (target, relative) => {
      guarded(relative, (full) => fs.symlinkSync(Buffer.from(target), full));
      if (relative.length === 0) made = "file";
    },
    commit: async () => {
      if (made === undefined) throw new NixsealError("bug", "a tree without a top was committed");
      guarded(new Uint8Array(0), () => moveWithoutReplacing(top, place, made === "directory"));
      discard();
    },
    discard: async () => guarded(new Uint8Array(0), discard),
  };
}

function refuseExisting(place: string): void {
  if (fs.lstatSync(place, { throwIfNoEntry: false }) === undefined) return;
  throw new NixsealError("conflict", "exists already", {
    where: { file: place },
    hint: "name a path that does not exist",
  });
}

/**
 * Everything is made through the open directory, not through its name: someone who may write to the parent
 * could put a symlink in its place and have us, as root, write through it. Where there is no /proc the name
 * must do.
 */
function openAnchor(directory: string): { path: string; close: () => void } {
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = fs.constants;
  let descriptor: number;
  try {
    descriptor = fs.openSync(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (cause) {
    fs.rmdirSync(directory);
    throw cause;
  }
  const byDescriptor = `/proc/self/fd/${descriptor}`;
  const path = fs.existsSync(byDescriptor) ? byDescriptor : directory;
  return { path, close: () => fs.closeSync(descriptor) };
}

/** rename(2) replaces; link(2), and rename onto a directory that we just made, do not. */
function moveWithoutReplacing(from: Buffer, to: string, directory: boolean): void {
  if (!directory) {
    fs.linkSync(from, to);
    return;
  }
  fs.mkdirSync(to, { mode: 0o700 });
  try {
    fs.renameSync(from, to);
  } catch (cause) {
    fs.rmdirSync(to);
    throw cause;
  }
}

function createFile(path: Buffer, executable: boolean): TreeFile {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = fs.constants;
  const descriptor = fs.openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, executable ? 0o777 : 0o666);
  return {
    write: async (bytes) => {
      for (let written = 0; written < bytes.length;)
        written += fs.writeSync(descriptor, bytes, written, bytes.length - written);
    },
    close: async () => fs.closeSync(descriptor),
  };
}
