import { malformed } from "./object-headers.ts";
import type { ObjectFormat, ObjectId } from "./object-id.ts";

/** Git's tree format: mode, space, name, NUL, and the id in bytes. A name that stands twice is `malformed`. */
export function findInTree(
  body: Uint8Array,
  name: string,
  format: ObjectFormat,
): { readonly mode: string; readonly id: ObjectId } | null {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const idLength = format === "sha1" ? 20 : 32;
  let found: { mode: string; id: ObjectId } | null = null;
  for (let offset = 0; offset < bytes.length;) {
    const end = bytes.indexOf(0, offset);
    if (end === -1 || end + 1 + idLength > bytes.length) throw malformed("is no tree");
    const [mode = "", entry] = bytes.toString("latin1", offset, end).split(/ (.*)/s);
    offset = end + 1 + idLength;
    if (entry !== name) continue;
    if (found !== null) throw malformed(`is a tree with two '${name}'`);
    found = { mode, id: bytes.toString("hex", end + 1, offset) as ObjectId };
  }
  return found;
}
