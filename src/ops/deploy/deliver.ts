/** What goes into a delivery: a host's newest order, its own or a group's, signed by enough, with those before it and the status. */
import { NixsealError } from "../../core/errors.ts";
import type { HostDelivery } from "../../delivery/publish.ts";
import type { Host } from "../../inventory/model.ts";
import type { StorePath } from "../../nix/store-path.ts";
import { readKrl } from "../../trust/certificates/revocation-list.ts";
import { readChain } from "../../trust/root/store.ts";
import type { WarrantEnvelope } from "../../trust/warrant/envelope.ts";
import { newestFor } from "../../trust/warrant/newest.ts";
import { sequenceOf } from "../../trust/warrant/state.ts";
import { keptWarrants, readKept, warrantFile } from "../../trust/warrant/store.ts";
import type { OpenFleet } from "../fleet-context.ts";
import type { Context } from "../op.ts";
import type { OpenTrust } from "../trust/open.ts";
import { countSignatures } from "./sign-orders.ts";
import { nixWorld } from "./systems.ts";

/** Roots that a host may have missed: rotated once a month, that is five years. */
const mostRoots = 60;
/** Milliseconds. */
const patience = 6 * 3600_000;

/**
 * `since`: the last order that the host is known to have; those up to it are left out. `not-found` where there is no order,
 * `refused` where too few have signed the newest, or it has expired.
 */
export async function deliveryFor(
  { files }: Pick<Context, "files">,
  open: OpenFleet,
  trust: OpenTrust,
  host: Host,
  since = 0,
): Promise<HostDelivery> {
  const candidate = { name: host.name, labels: host.tags };
  const newest = await newestFor(files, open.directory, trust.root, candidate);
  if (newest === null)
    throw new NixsealError("not-found", `there is no order for ${host.name}`, {
      hint: `'nixseal warrant create ${host.name} --toplevel PATH' makes one, 'nixseal warrant sign' signs it`,
    });
  const { subject, seq } = newest.warrant;
  requireSigned(open, trust, newest, warrantFile(subject, seq));
  const before: WarrantEnvelope[] = [];
  for (const one of await keptWarrants(files, open.directory, subject))
    if (one > since && one < seq) before.push(await readKept(files, open.directory, subject, one));
  const { version } = trust.root;
  return {
    host: host.name,
    newest,
    before,
    status: {
      roots: (await readChain(files, open.directory, Math.max(1, version - mostRoots + 1))) ?? [],
      krl: await readKrl(files, open.directory),
      heads: new Map([[sequenceOf(subject), { seq, digest: newest.digest }]]),
    },
  };
}

function requireSigned(open: OpenFleet, trust: OpenTrust, envelope: WarrantEnvelope, file: string): void {
  const { principals, threshold } = countSignatures(open, trust, { envelope, file });
  if (principals.length < threshold)
    throw new NixsealError("refused", `too few have signed ${file} (${principals.length} of ${threshold})`, {
      hint: `each of the others runs 'nixseal warrant sign ${file}'`,
    });
  if (trust.now >= envelope.warrant.expires)
    throw new NixsealError("refused", `${file} has expired: no host would follow it`, {
      hint: "make the next order: 'nixseal warrant create'",
    });
}

/** By the stock client, which leaves out what is there already. `from` as `nix --store` takes it; null for this machine's store. */
export async function copyToCache(
  context: Context,
  toplevels: readonly StorePath[],
  {
    from,
    cache,
    compression,
  }: { readonly from: string | null; readonly cache: string; readonly compression: "none" | "gzip" },
): Promise<void> {
  const { processes, environment } = nixWorld(context);
  const { code, stderr } = await processes.run({
    program: "nix",
    args: [
      "--extra-experimental-features",
      "nix-command",
      "copy",
      "--no-check-sigs",
      ...(from === null ? [] : ["--from", from]),
      "--to",
      `file://${encodeURI(cache)}?compression=${compression}`,
      "--",
      ...toplevels,
    ],
    env: environment,
    timeout: patience,
  });
  if (code === 0) return;
  const lines = stderr.trim().split("\n");
  const said = (lines.findLast((line) => line.includes("error:")) ?? lines.at(-1) ?? "")
    .trim()
    .slice(0, 1000);
  throw new NixsealError("tool", `copying to ${cache} failed: ${said}`);
}
