import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import * as rules from "../../inventory/field-rules.ts";
import { fingerprintPattern } from "../fingerprint.ts";
import type { Fingerprint } from "../../ssh/public-key.ts";
import { changedRoot } from "../../trust/root/change.ts";
import { withLockedFleet } from "../locked-fleet.ts";
import { matching } from "../matching.ts";
import { op } from "../op.ts";
import { findKey, publicKeys } from "./key-file.ts";
import { openTrust } from "./open.ts";
import {
  endOf,
  expiresFlag,
  groupFlag,
  groupsOf,
  groupThresholdFlag,
  keyFlag,
  thresholdFlag,
  thresholdsOf,
} from "./root-flags.ts";
import { progressSchema, progressText, requireNothingWaiting, signAndSettle, unsigned } from "./settle.ts";

const files = (says: string) => z.array(z.string()).default([]).meta({ value: "FILE" }).describe(says);
const keys = (says: string) =>
  z
    .array(z.string().regex(fingerprintPattern.pattern, { error: fingerprintPattern.expected }))
    .default([])
    .meta({ value: "SHA256:…" })
    .describe(says);

export const trustRotate = op({
  effect: "write",
  input: z.object({
    addRootKey: files("a public key that signs roots from now on"),
    removeRootKey: keys("a root key that goes"),
    threshold: thresholdFlag.describe("how many of the root keys must sign").optional(),
    addCaKey: files("a public key that issues certificates from now on"),
    removeCaKey: keys("a CA key that goes, with every certificate that it issued"),
    expires: expiresFlag,
    warrantThreshold: thresholdFlag.describe("how many members must sign a warrant").optional(),
    group: groupFlag,
    removeGroup: z
      .array(matching(rules.name))
      .default([])
      .meta({ value: "NAME" })
      .describe("a group that goes"),
    groupThreshold: groupThresholdFlag,
    addUpstream: z
      .array(z.string())
      .default([])
      .meta({ value: "NAME:KEY" })
      .describe("a binary cache to trust"),
    removeUpstream: z
      .array(z.string())
      .default([])
      .meta({ value: "NAME:KEY" })
      .describe("a binary cache that goes"),
    nextEpoch: z.boolean().default(false).describe("let hosts refuse every warrant that was signed before"),
    key: keyFlag,
  }),
  output: progressSchema,
  examples: [
    { command: "nixseal trust rotate", says: "the same for another year" },
    {
      command:
        "nixseal trust rotate --add-root-key dave.pub --remove-root-key SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
      says: "one holder for another; the keys of the old and of the new version sign",
    },
  ],
  run: async (context, given) =>
    withLockedFleet(context, "trust rotate", false, async ({ directory, fleet }) => {
      const { root, envelope, krl } = await openTrust(context, directory, {
        expired: true,
        foreignKrl: true,
      });
      await requireNothingWaiting(context, directory, envelope);
      const removeCaKeys = given.removeCaKey as Fingerprint[];
      const next = changedRoot(root, {
        expires: endOf(context.clock.now(), given.expires),
        addRootKeys: await publicKeys(context, given.addRootKey),
        removeRootKeys: given.removeRootKey as Fingerprint[],
        threshold: given.threshold,
        addCaKeys: await publicKeys(context, given.addCaKey),
        removeCaKeys,
        warrantThreshold: given.warrantThreshold,
        groups: groupsOf(fleet, given.group),
        removeGroups: given.removeGroup,
        groupThresholds: thresholdsOf(given.groupThreshold),
        addUpstream: given.addUpstream,
        removeUpstream: given.removeUpstream,
        nextEpoch: given.nextEpoch,
      });
      if (next.fleet !== fleet.name)
        throw new NixsealError(
          "config",
          `fleet.toml names the fleet '${fleet.name}', its root '${next.fleet}'`,
          {
            hint: "a fleet that was renamed begins with a root of its own",
          },
        );
      if (krl !== null && removeCaKeys.length > 0)
        context.emit({
          type: "warning",
          message: "the revocation list may be signed by a CA key that goes",
          hint: "'nixseal trust revoke --renew' signs it with one that stays, once the new root is in place",
        });
      const key = await findKey(context, given.key, [...root.root.keys, ...next.root.keys], "root key");
      return signAndSettle(context, directory, envelope, unsigned(next), key);
    }),
  text: progressText,
});
