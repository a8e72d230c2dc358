import * as z from "zod";
import { describeChange } from "../../trust/root/change.ts";
import { signersAmong } from "../../trust/root/decide.ts";
import { formatTime } from "../../trust/root/root.ts";
import { isLeftover, nextRootFile, readNext, rootFile } from "../../trust/root/store.ts";
import { facts } from "../facts.ts";
import { openFleet } from "../fleet-context.ts";
import { keyView } from "../host/view.ts";
import { op } from "../op.ts";
import { openTrustIfAny } from "./open.ts";
import { needsOf, progressSchema } from "./settle.ts";

const signingKey = keyView.extend({ signed: z.boolean() });

export const trustShow = op({
  effect: "read",
  input: z.object({}),
  output: z.object({
    root: z
      .object({
        version: z.number(),
        fleet: z.string(),
        expires: z.string(),
        daysLeft: z.number(),
        threshold: z.number(),
        rootKeys: z.array(signingKey),
        caKeys: z.array(keyView),
        warrant: z.object({ threshold: z.number(), groups: z.record(z.string(), z.number()) }),
        groups: z.record(z.string(), z.array(z.string())),
        upstream: z.array(z.string()),
        gateEpoch: z.number(),
        file: z.string(),
        first: z.boolean().describe("whether this clone sees a root for the first time"),
      })
      .nullable()
      .describe("null: there is none yet"),
    revocations: z.object({ version: z.string(), generated: z.string() }).nullable(),
    next: progressSchema.pick({ version: true, needs: true, changes: true, file: true }).nullable(),
  }),
  examples: [
    {
      command: "nixseal trust show",
      says: "the root, after it was verified; exit code 4 when it is not trusted",
    },
  ],
  run: async (context) => {
    const { directory } = await openFleet(context);
    const open = await openTrustIfAny(context, directory);
    const next = await readNext(context.files, directory);
    const current = open?.envelope ?? null;
    const signed = open === null ? new Set<string>() : signersAmong(open.envelope, open.root.root.keys);
    return {
      root:
        open === null
          ? null
          : {
              version: open.root.version,
              fleet: open.root.fleet,
              expires: formatTime(open.root.expires),
              daysLeft: Math.floor((open.root.expires.getTime() - open.now.getTime()) / 86_400_000),
              threshold: open.root.root.threshold,
              rootKeys: open.root.root.keys.map(({ type, fingerprint }) => ({
                type,
                fingerprint,
                signed: signed.has(fingerprint),
              })),
              caKeys: open.root.ca.keys.map(({ type, fingerprint }) => ({ type, fingerprint })),
              warrant: {
                threshold: open.root.warrant.threshold,
                groups: Object.fromEntries(open.root.warrant.groups),
              },
              groups: Object.fromEntries(
                [...open.root.groups].map(([name, entries]) => [name, entries.map(({ text }) => text)]),
              ),
              upstream: [...open.root.upstream],
              gateEpoch: open.root.gateEpoch,
              file: rootFile,
              first: open.first,
            },
      revocations:
        open === null || open.krl === null
          ? null
          : {
              version: String(open.krl.version),
              generated: formatTime(new Date(Number(open.krl.generated) * 1000)),
            },
      next:
        next === null || isLeftover(current, next)
          ? null
          : {
              version: next.root.version,
              needs: needsOf(current, next),
              changes: describeChange(open?.root ?? null, next.root),
              file: nextRootFile,
            },
    };
  },
  text: ({ root, revocations, next }, paint) => {
    const parts: string[] = [];
    if (root === null) parts.push("there is no root yet: 'nixseal trust init' makes one");
    else
      parts.push(
        facts([
          ["root", `version ${root.version} of the fleet ${root.fleet}, ${paint.good("verified")}`],
          ["seen", root.first ? "for the first time in this clone: compare the keys with a colleague" : ""],
          ["expires", `${root.expires} (in ${root.daysLeft} days)`],
          [
            "root keys",
            [
              `${root.threshold} of ${root.rootKeys.length} must sign`,
              ...root.rootKeys.map(
                (key) => `${key.fingerprint} (${key.type})${key.signed ? ", signed" : ""}`,
              ),
            ],
          ],
          ["CA keys", root.caKeys.map((key) => `${key.fingerprint} (${key.type})`)],
          [
            "warrants",
            [
              `${root.warrant.threshold} must sign`,
              ...Object.entries(root.warrant.groups).map(
                ([group, count]) => `${count} for the group ${group}`,
              ),
            ],
          ],
          ["groups", Object.entries(root.groups).map(([group, entries]) => `${group}: ${entries.join(" ")}`)],
          ["upstream", root.upstream],
          ["gate epoch", String(root.gateEpoch)],
          [
            "revocations",
            revocations === null
              ? "none yet"
              : `version ${revocations.version}, made ${revocations.generated}`,
          ],
        ]),
      );
    if (next !== null)
      parts.push(
        `version ${next.version} waits for signatures (${next.needs.map(({ whose, signed, threshold }) => `${signed} of ${threshold} by keys of ${whose}`).join(", ")}):\n${next.changes.join("\n")}`,
      );
    return parts.join("\n\n");
  },
});
