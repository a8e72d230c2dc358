import { NixsealError, type ErrorCode } from "../core/errors.ts";

const codes: Record<string, { code: ErrorCode; message: string; hint?: string }> = {
  ENOENT: { code: "not-found", message: "no such file or directory" },
  ENOTDIR: { code: "not-found", message: "a part of the path is not a directory" },
  EEXIST: { code: "conflict", message: "file exists already" },
  ENOTEMPTY: { code: "conflict", message: "directory is not empty" },
  EISDIR: { code: "io", message: "is a directory" },
  EACCES: {
    code: "io",
    message: "permission denied",
    hint: "run it as the user who owns the file, or as root",
  },
  EPERM: { code: "io", message: "operation not permitted", hint: "this needs root" },
  ENOSPC: { code: "io", message: "no space left on the device" },
  EDQUOT: { code: "io", message: "disk quota exceeded" },
  EROFS: { code: "io", message: "file system is read-only" },
  ELOOP: { code: "io", message: "too many levels of symlinks, or a symlink where none may be" },
  EMFILE: { code: "io", message: "too many open files" },
  ENAMETOOLONG: { code: "io", message: "file name is too long" },
  EBADF: { code: "io", message: "bad file descriptor" },
  ECONNRESET: { code: "io", message: "the other side ended the connection", hint: "try again" },
  EPIPE: { code: "io", message: "the reader went away" },
  EIO: { code: "io", message: "input/output error" },
};

/** An error of the operating system in our words; anything else is handed back as it is. */
export function systemError(cause: unknown, path: string): unknown {
  if (!(cause instanceof Error) || !("code" in cause) || typeof cause.code !== "string") return cause;
  if (cause instanceof NixsealError || !("syscall" in cause)) return cause;
  const known = codes[cause.code] ?? { code: "io" as const, message: `system error ${cause.code}` };
  return new NixsealError(known.code, known.message, { where: { file: path }, hint: known.hint, cause });
}
