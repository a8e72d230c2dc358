import type { Attack } from "./attack.ts";
import { damagedNar, pathNames, symlink } from "./tries/archives.ts";
import { laundering } from "./tries/laundering.ts";
import {
  damagedWarrant,
  downgraded,
  expired,
  frozen,
  oneKeyTwice,
  replayed,
  revoked,
  wrongHost,
} from "./tries/orders.ts";
import { contentAddressed, gcRace, plantedEarlier, planting, wildcardSudo } from "./tries/paths.ts";

/** In the order of their names' list. */
export const attacks: readonly Attack[] = [
  planting,
  plantedEarlier,
  laundering,
  contentAddressed,
  gcRace,
  wildcardSudo,
  oneKeyTwice,
  revoked,
  expired,
  wrongHost,
  replayed,
  downgraded,
  frozen,
  damagedWarrant,
  damagedNar,
  symlink,
  pathNames,
];
