/** How a repository names its objects: `extensions.objectFormat`. */
export type ObjectFormat = "sha1" | "sha256";

/** A whole object id in lower-case hex, 40 digits or 64. */
export type ObjectId = string & { readonly __brand: "ObjectId" };

export type ObjectType = "commit" | "tag" | "tree" | "blob";

export function isObjectId(text: string, format: ObjectFormat): text is ObjectId {
  return (format === "sha1" ? /^[0-9a-f]{40}$/ : /^[0-9a-f]{64}$/).test(text);
}
