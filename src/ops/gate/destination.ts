import { resolve } from "node:path";
import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import type { Fleet } from "../../inventory/model.ts";
import { oneHost } from "../../inventory/selectors.ts";
import type { Root } from "../../trust/root/root.ts";
import type { Warrant } from "../../trust/warrant/model.ts";
import type { Context } from "../op.ts";
import { hostsOf } from "../warrant/hosts.ts";
import type { Destination } from "./connection.ts";

/** The flag of every verb that logs in. */
export const identityFlag = z
  .string()
  .optional()
  .meta({ short: "i", value: "FILE" })
  .describe("the SSH key to log in with (default: what ssh takes)");

type Given = { readonly identity?: string | undefined };

export function destinationOf(
  { workingDirectory }: Pick<Context, "workingDirectory">,
  fleet: Fleet,
  name: string,
  { identity }: Given,
): Destination {
  const file = identity === undefined ? undefined : resolve(workingDirectory, identity);
  return { host: oneHost(fleet, name), identity: file };
}

/** The host of a warrant. One for a group is for several: `usage` unless one of them is named. */
export function hostOfWarrant(
  fleet: Fleet,
  root: Root,
  { subject }: Warrant,
  given: string | undefined,
): string {
  const names = hostsOf(fleet, root, subject).map(({ name }) => name);
  if (given !== undefined && names.includes(given)) return given;
  if (given === undefined && names.length === 1) return names[0]!;
  throw new NixsealError(
    "usage",
    given === undefined ? `the warrant is for ${names.length} hosts` : `the warrant is not for '${given}'`,
    { hint: `--host names one of ${names.join(", ")}` },
  );
}
