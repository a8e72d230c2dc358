import { randomBytes } from "node:crypto";
import type { Random } from "../core/ports.ts";

export const random: Random = { bytes: (length) => new Uint8Array(randomBytes(length)) };
