/**
 * Archives of the POSIX ustar form with nothing but plain files (pax(1), "ustar Interchange Format"): readable by `tar`; owner, time and
 * mode are the same for everybody, so that equal files are equal bytes. What is read must be exactly what is written here.
 */
import { NixsealError } from "./errors.ts";
import { sameBytes, utf8 } from "./bytes.ts";

export const tarBlock = 512;
/** Eleven octal digits. */
export const largestTarFile = 8 ** 11 - 1;

/** Zeros behind a file, up to a whole block. */
export function tarPadding(size: number): Uint8Array {
  return new Uint8Array((tarBlock - (size % tarBlock)) % tarBlock);
}

export function tarEnd(): Uint8Array {
  return new Uint8Array(2 * tarBlock);
}

/** `limit` for names of more than 100 bytes and files of 8 GiB. */
export function tarHeader(name: string, size: number): Uint8Array {
  const bytes = utf8(name);
  if (bytes.length > 100 || size > largestTarFile)
    throw new NixsealError(
      "limit",
      `${name} does not fit into a tar archive: its name or its size is too large`,
    );
  const head = new Uint8Array(tarBlock);
  const put = (text: string, offset: number): void => head.set(utf8(text), offset);
  head.set(bytes, 0);
  put("0000644\0", 100);
  put("0000000\0", 108);
  put("0000000\0", 116);
  put(`${size.toString(8).padStart(11, "0")}\0`, 124);
  put("00000000000\0", 136);
  put("        ", 148); // the checksum counts its own field as spaces
  put("0", 156);
  put("ustar\x0000", 257);
  const sum = head.reduce((total, byte) => total + byte, 0);
  put(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return head;
}

/** Of one block: null when it is the first of the end. Undefined when it is not one of ours: a link, a directory, an odd name. */
export function parseTarHeader(
  head: Uint8Array,
  allowed: RegExp,
): { readonly name: string; readonly size: number } | null | undefined {
  if (head.every((byte) => byte === 0)) return null;
  const name = Buffer.from(head.subarray(0, 100)).toString("latin1").replace(/\0+$/, "");
  const sizeText = Buffer.from(head.subarray(124, 136)).toString("latin1");
  const size = /^[0-7]{11}\0$/.test(sizeText) ? Number.parseInt(sizeText, 8) : Number.NaN;
  if (!/^[\x21-\x7e]+$/.test(name) || !allowed.test(name) || Number.isNaN(size)) return undefined;
  return sameBytes(tarHeader(name, size), head) ? { name, size } : undefined;
}
