import { text, type Check } from "../core/shape.ts";

/** Where the host's secrets appear; the manifest names these paths, so they are part of its format. */
export const secretsDirectory = "/run/nixseal/secrets";

const name = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const account = /^[A-Za-z_][A-Za-z0-9._-]{0,63}\$?$/;
const credential = /^[A-Za-z0-9_][A-Za-z0-9._:-]{0,254}$/;
// systemd.unit(5). It goes to systemctl as an argument, so it must not begin like a flag.
const unit =
  /^[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]{0,240}\.(service|socket|target|timer|path|mount|automount|slice|scope|swap|device)$/;
const control = /\p{Cc}/u;

/** A name of a host, a secret or a `together` label. */
export const nameCheck: Check<string> = text(
  (value) => name.test(value),
  "a name (letters, digits, '.', '_', '-', at most 64)",
);

export const unitCheck: Check<string> = text(
  (value) => unit.test(value),
  'the name of a systemd unit, such as "grafana.service"',
);

export const credentialCheck: Check<string> = text((value) => credential.test(value), "a credential's name");

export const digestCheck: Check<string> = text(
  (value) => /^[0-9a-f]{64}$/.test(value),
  "64 hex digits (sha256 of the ciphertext file)",
);

/** A user or group: a name, or a number below 2³²−1 (the kernel's "no change"). */
export const accountCheck: Check<string> = text(
  (value) => account.test(value) || (/^(0|[1-9]\d{0,9})$/.test(value) && Number(value) < 2 ** 32 - 1),
  "the name or number of an account",
);

/** Set-uid bits make no sense on a secret, and a value that everybody may write is nobody's secret. */
export const modeCheck: Check<string> = text(
  (value) => /^0[0-7]{2}[0145]$/.test(value),
  'a mode of 4 octal digits such as "0400", not writable for others',
);

/** An absolute path with one spelling only, so that comparing two of them as text is enough. */
export const absolutePath: Check<string> = text(
  (value) => value.startsWith("/") && isPlainPath(value.slice(1)),
  "an absolute path without '.', '..' or empty parts",
);

/** Relative to the manifest's directory, and never out of it. */
export const sourcePath: Check<string> = text(
  (value) => isPlainPath(value),
  "a relative path without '.', '..' or empty parts",
);

/** The path of a secret: its place in our tree, or outside of our tree and of the store. */
export function isSecretPath(path: string, secret: string): boolean {
  if (path === `${secretsDirectory}/${secret}`) return true;
  return !isWithin(path, "/run/nixseal") && !isWithin("/run/nixseal", path) && !isWithin(path, "/nix/store");
}

/** Whether `path` is `directory` or lies below it. Both in their one spelling. */
export function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}

function isPlainPath(path: string): boolean {
  if (path.length > 1024 || control.test(path) || !path.isWellFormed()) return false;
  return path
    .split("/")
    .every((part) => part !== "" && part !== "." && part !== ".." && Buffer.byteLength(part) <= 255);
}
