import { createHash } from "node:crypto";
import type { ObjectFormat, ObjectId, ObjectType } from "./object-id.ts";

/**
 * The id that an object of these bytes has. Git computes it when it receives objects, but reads what lies in its
 * directory without looking again: whoever copied the directory could have put anything there.
 */
export function objectIdOf(type: ObjectType, body: Uint8Array, format: ObjectFormat): ObjectId {
  return createHash(format).update(`${type} ${body.length}\0`).update(body).digest("hex") as ObjectId;
}
