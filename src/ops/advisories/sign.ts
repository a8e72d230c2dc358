import { resolve } from "node:path";
import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import { namespaceOf, type Envelope } from "../../audit/advisories/feed/envelope.ts";
import {
  parseMetadata,
  roleNames,
  type FeedRoot,
  type RoleName,
} from "../../audit/advisories/feed/metadata.ts";
import { signingKey, type SshSig } from "../../ssh/sshsig.ts";
import { signWithKeygen } from "../../trust/root/sign.ts";
import { op } from "../op.ts";
import { missingSignatures, Publisher } from "./publisher.ts";

export const sign = op({
  effect: "write",
  input: z.object({
    directory: z.string().describe("where the feed is made"),
    role: z
      .array(z.enum(roleNames))
      .default([])
      .describe("what to sign (default: every draft that the key is for)"),
    key: z
      .string()
      .describe("a private key, or a public one whose private half the agent has")
      .meta({ value: "FILE" }),
  }),
  positional: ["directory", "role"],
  output: z.object({
    signed: z.array(z.string()),
    missing: z.record(z.string(), z.number()).describe("signatures that a role still needs"),
    placed: z.array(z.string()).describe("roles that clients see now"),
  }),
  examples: [
    {
      command: "nixseal advisories sign feed --key ~/.ssh/id_ed25519",
      says: "every draft that this key is for",
    },
    {
      command: "nixseal advisories sign feed root --key root.pub",
      says: "the root, with a key that the agent has",
    },
  ],
  run: async (context, { directory, role: wanted, key }) => {
    const publisher = new Publisher(context.files, resolve(context.workingDirectory, directory));
    const current = await publisher.root();
    const drafts = new Map<RoleName, Envelope>();
    for (const role of roleNames) {
      const draft = await publisher.draft(role);
      if (draft !== null) drafts.set(role, draft);
    }
    if (drafts.size === 0)
      throw new NixsealError("not-found", "there is no draft to sign", {
        hint: "make one with 'nixseal advisories publish' or 'advisories root'",
      });
    const signed: RoleName[] = [];
    let last: SshSig | null = null;
    for (const [role, draft] of drafts) {
      if (wanted.length > 0 && !wanted.includes(role)) continue;
      const roots = rootsFor(role, draft, current);
      // Nobody is asked to touch a token for a role that is not theirs, once we know the key.
      if (last !== null && !isKeyOf(roots, role, last)) continue;
      const signature = await signWithKeygen(
        context,
        draft.payload,
        namespaceOf(role),
        resolve(context.workingDirectory, key),
      );
      last = signature;
      if (!isKeyOf(roots, role, signature)) continue;
      const others = draft.signatures.filter(
        ({ signer }) => signingKey(signer).fingerprint !== signingKey(signature.signer).fingerprint,
      );
      const next = { ...draft, signatures: [...others, signature] };
      drafts.set(role, next);
      await publisher.writeDraftEnvelope(role, next);
      signed.push(role);
    }
    if (signed.length === 0)
      throw new NixsealError("refused", "no draft is for this key", {
        hint: "the root names the keys of every role",
      });
    return { signed, ...(await placeComplete(publisher, drafts, current)) };
  },
  text: ({ signed, missing, placed }, paint) =>
    [
      `signed: ${signed.join(", ")}`,
      ...Object.entries(missing).map(([role, count]) => paint.weak(`${role} needs ${count} more`)),
      ...(placed.length === 0 ? [] : [paint.good(`in place: ${placed.join(", ")}`)]),
    ].join("\n"),
});

/** Whose keys count: a root's are those of the one before and its own. */
function rootsFor(role: RoleName, draft: Envelope, current: FeedRoot | null): FeedRoot[] {
  const own = role === "root" ? [parseMetadata("root", draft.payload)] : [];
  return current === null ? own : [current, ...own];
}

function isKeyOf(roots: readonly FeedRoot[], role: RoleName, { signer }: SshSig): boolean {
  // A certificate would not count at any client.
  if (signer.type === "certificate") return false;
  return roots.some(({ roles }) =>
    roles[role].keys.some(({ fingerprint }) => fingerprint === signer.fingerprint),
  );
}

/** The root by itself; the others only all together, so that clients never see half of a change. */
async function placeComplete(
  publisher: Publisher,
  drafts: ReadonlyMap<RoleName, Envelope>,
  current: FeedRoot | null,
): Promise<{ missing: Record<string, number>; placed: RoleName[] }> {
  const missing = new Map<RoleName, number>();
  for (const [role, draft] of drafts)
    missing.set(
      role,
      Math.max(0, ...rootsFor(role, draft, current).map((root) => missingSignatures(role, draft, root))),
    );
  const others = [...drafts.keys()].filter((role) => role !== "root");
  const groups = [drafts.has("root") ? ["root" as const] : [], others];
  const placed = groups.filter((group) => group.every((role) => missing.get(role) === 0)).flat();
  await publisher.place(placed.map((role) => [role, drafts.get(role)!] as const));
  return { missing: Object.fromEntries([...missing].filter(([, count]) => count > 0)), placed };
}
