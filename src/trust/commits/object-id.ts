import { createHash } from "node:crypto";

/** How a repository names its objects: `extensions.objectFormat`. */
export type ObjectFormat = "sha1" | "sha256";

/** A whole object id in lower-case hex, 40 digits or 64. */
export type ObjectId = string & { readonly __brand: "ObjectId" };

export type ObjectType = "commit" | "tag" | "tree" | "blob";

export function isObjectId(text: string, format: ObjectFormat): text is ObjectId {
  return (format === "sha1" ? /^[0-9a-f]{40}$/ : /^[0-9a-f]{64}$/).test(text);
}

/**
 * The id that an object of these bytes has. Git computes it when it receives objects, but reads what lies in its
 * directory without looking again: whoever copied the directory could have put anything there.
 */
export function objectIdOf(type: ObjectType, body: Uint8Array, format: ObjectFormat): ObjectId {
  return createHash(format).update(`${type} ${body.length}\0`).update(body).digest("hex") as ObjectId;
}
