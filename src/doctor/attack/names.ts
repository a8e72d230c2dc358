/** The attacks that the lab knows, and that findings name. */
export const attackNames = [
  "planting",
  "planted-earlier",
  "laundering",
  "content-addressed",
  "gc-race",
  "wildcard-sudo",
  "one-key-twice",
  "revoked",
  "expired",
  "wrong-host",
  "replayed",
  "downgraded",
  "frozen",
  "damaged-warrant",
  "damaged-nar",
  "symlink",
  "path-names",
] as const;

export type AttackName = (typeof attackNames)[number];
