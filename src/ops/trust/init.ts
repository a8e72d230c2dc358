import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import type { Fleet } from "../../inventory/model.ts";
import { parsePublicKeyLine } from "../../ssh/public-key-line.ts";
import type { PublicKey } from "../../ssh/public-key.ts";
import { checkedRoot } from "../../trust/root/change.ts";
import { rootFile } from "../../trust/root/store.ts";
import { withLockedFleet } from "../locked-fleet.ts";
import { op, type Context } from "../op.ts";
import { findKey, publicKeys, warnOfPlainKey } from "./key-file.ts";
import { hasSeenRoot } from "./open.ts";
import {
  endOf,
  expiresFlag,
  fleetName,
  groupFlag,
  groupsOf,
  groupThresholdFlag,
  keyFlag,
  thresholdFlag,
  thresholdsOf,
} from "./root-flags.ts";
import {
  progressSchema,
  progressText,
  requireNothingWaiting,
  signAndSettle,
  unsigned,
  type Progress,
} from "./settle.ts";

/** Nix's own default for `trusted-public-keys`. */
const usualUpstream = "cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=";

const input = z.object({
  rootKey: z
    .array(z.string())
    .default([])
    .meta({ value: "FILE" })
    .describe("a public key that signs roots (default: that of the member who runs this)"),
  threshold: thresholdFlag.default(1).describe("how many of the root keys must sign"),
  caKey: z
    .array(z.string())
    .default([])
    .meta({ value: "FILE" })
    .describe("a public key that issues certificates (default: the first root key)"),
  expires: expiresFlag,
  warrantThreshold: thresholdFlag.default(1).describe("how many members must sign a warrant"),
  group: groupFlag,
  groupThreshold: groupThresholdFlag,
  upstream: z
    .array(z.string())
    .default([usualUpstream])
    .meta({ value: "NAME:KEY" })
    .describe("a binary cache whose paths need no warrant; 'none' for no cache at all"),
  key: keyFlag,
});

export const trustInit = op({
  effect: "write",
  input,
  output: progressSchema,
  examples: [
    { command: "nixseal trust init", says: "with your own key as root and CA, for a start" },
    {
      command:
        "nixseal trust init --root-key alice.pub --root-key bob.pub --root-key carol.pub --threshold 2 --ca-key ca_sk.pub",
      says: "two of three must agree; the CA is a token",
    },
  ],
  run: async (context, given) =>
    withLockedFleet(context, "trust init", false, ({ directory, fleet }) =>
      makeRoot(context, directory, fleet, given),
    ),
  text: progressText,
});

/** The first root. `conflict` when there is one: a root is followed, never replaced. */
export async function makeRoot(
  context: Context,
  directory: string,
  fleet: Fleet,
  given: z.output<typeof input>,
): Promise<Progress> {
  await refuseExisting(context, directory);
  await requireNothingWaiting(context, directory, null);
  const rootKeys = await publicKeys(context, given.rootKey);
  if (rootKeys.length === 0) rootKeys.push(await ownKey(context, fleet, given.key));
  const caKeys = given.caKey.length === 0 ? rootKeys.slice(0, 1) : await publicKeys(context, given.caKey);
  const root = checkedRoot({
    version: 1,
    fleet: fleetName(fleet),
    expires: endOf(context.clock.now(), given.expires),
    root: { keys: rootKeys, threshold: given.threshold },
    ca: { keys: caKeys },
    warrant: { threshold: given.warrantThreshold, groups: thresholdsOf(given.groupThreshold) },
    upstream: given.upstream.filter((word) => word !== "none"),
    groups: groupsOf(fleet, given.group),
    gateEpoch: 1,
  });
  const key = await findKey(context, given.key, root.root.keys, "root key");
  await warnOfPlainKey(context, key.file);
  return signAndSettle(context, directory, null, unsigned(root), key);
}

/** What `nixseal init` takes without being told. */
export const initDefaults: z.output<typeof input> = input.parse({});

async function refuseExisting(context: Context, directory: string): Promise<void> {
  if (
    !(await hasSeenRoot(context, directory)) &&
    (await context.files.statusOfLink(`${directory}/${rootFile}`)) === null
  )
    return;
  throw new NixsealError("conflict", "the fleet has a root already", {
    hint: "'nixseal trust show' looks at it, 'nixseal trust rotate' changes it",
    where: { file: rootFile },
  });
}

async function ownKey(context: Context, fleet: Fleet, given: string | undefined): Promise<PublicKey> {
  const members = [...fleet.members.values()].flatMap(({ keys }) =>
    keys.map(({ line }) => parsePublicKeyLine(line).key),
  );
  return (await findKey(context, given, members, "member's key")).key;
}
