import type { Fleet } from "./model.ts";
import type { Problem } from "./problem.ts";
import { reviewHosts, reviewPrincipals, reviewSharedKeys } from "./review-keys.ts";
import { reviewCollisions } from "./review-collisions.ts";
import { reviewSecrets } from "./review-secrets.ts";

/** What is unwise, or will fail later, in a fleet that is sound in itself. Pure; without places. */
export function reviewFleet(fleet: Fleet): Problem[] {
  return [
    ...reviewHosts(fleet),
    ...reviewSharedKeys(fleet),
    ...reviewPrincipals(fleet),
    ...reviewSecrets(fleet),
    ...reviewCollisions(fleet),
  ];
}
