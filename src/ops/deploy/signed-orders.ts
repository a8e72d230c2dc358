/** For whoever carries and decides nothing, as CI does: the newest orders as members signed them, and the systems that they name. */
import { join } from "node:path";
import { NixsealError } from "../../core/errors.ts";
import { evaluate, realise } from "../../deploy/build.ts";
import type { GateSuccess } from "../../deploy/gate-client.ts";
import type { Host } from "../../inventory/model.ts";
import { newestFor } from "../../trust/warrant/newest.ts";
import { warrantFile } from "../../trust/warrant/store.ts";
import type { OpenFleet } from "../fleet-context.ts";
import type { Context } from "../op.ts";
import type { OpenTrust } from "../trust/open.ts";
import { readingGit } from "../reading-git.ts";
import { localStore } from "../warrant/nix-store.ts";
import { countSignatures, type OrderFile } from "./sign-orders.ts";
import { nixWorld } from "./systems.ts";

/** By host. One without an order, or whose newest one waits for signatures, is left out with a warning: the others need not wait for it. */
export async function signedOrders(
  context: Pick<Context, "files" | "emit">,
  open: OpenFleet,
  trust: OpenTrust,
  hosts: readonly Host[],
): Promise<Map<string, OrderFile>> {
  const found = new Map<string, OrderFile>();
  const leaveOut = (message: string, hint: string): void => context.emit({ type: "warning", message, hint });
  for (const { name, tags } of hosts) {
    const candidate = { name, labels: tags };
    const envelope = await newestFor(context.files, open.directory, trust.root, candidate);
    if (envelope === null) {
      leaveOut(`there is no order for ${name}`, "a member makes one: nixseal deploy plan, or warrant create");
      continue;
    }
    const order = { envelope, file: warrantFile(envelope.warrant.subject, envelope.warrant.seq) };
    const { principals, threshold } = countSignatures(open, trust, order);
    if (principals.length >= threshold) found.set(name, order);
    else
      leaveOut(
        `${order.file} waits for signatures: ${principals.length} of ${threshold}`,
        `members run 'nixseal warrant sign ${order.file}', and commit it`,
      );
  }
  return found;
}

/**
 * Sees to it that the store has what hosts were ordered and do not run yet: what it lacks is built from the commit that the order
 * names, and must come out as the path that was signed. `refused` when it does not. `answers`: the status of each host.
 */
export async function buildOrdered(
  context: Context,
  { directory }: OpenFleet,
  orders: ReadonlyMap<string, OrderFile>,
  answers: ReadonlyMap<string, GateSuccess | NixsealError>,
  given: { readonly store?: string | undefined; readonly builder?: string | undefined },
): Promise<void> {
  const wanted = new Map<string, string[]>();
  for (const [name, { envelope, file }] of orders) {
    const answer = answers.get(name);
    // Who cannot be asked gets nothing now either.
    if (answer === undefined || answer instanceof NixsealError || answer["active"] === envelope.digest)
      continue;
    const { toplevel, source } = envelope.warrant;
    if (await isThere(context, given.store ?? given.builder, toplevel)) continue;
    if (source === null)
      throw new NixsealError(
        "not-found",
        `${toplevel} is not here, and ${file} names no commit to build it from`,
        {
          hint: "build it before, or say where it is: --store",
          where: { file },
        },
      );
    wanted.set(source.commit, [...(wanted.get(source.commit) ?? []), name]);
  }
  for (const [commit, names] of wanted) await buildCommit(context, directory, commit, names, orders, given);
}

async function buildCommit(
  context: Context,
  directory: string,
  commit: string,
  names: readonly string[],
  orders: ReadonlyMap<string, OrderFile>,
  { builder }: { readonly builder?: string | undefined },
): Promise<void> {
  context.emit({ type: "step", message: `building ${names.join(" ")} from ${commit.slice(0, 12)}` });
  const world = nixWorld(context);
  const reference = await flakeAt(context, directory, commit);
  const derivations = await evaluate(world, { kind: "flake", reference }, names, () => undefined);
  const built = await realise(world, [...derivations.values()], builder ?? null);
  for (const [index, name] of [...derivations.keys()].entries()) {
    const { envelope, file } = orders.get(name)!;
    if (built[index] === envelope.warrant.toplevel) continue;
    throw new NixsealError(
      "refused",
      `commit ${commit.slice(0, 12)} builds ${built[index]}, and ${file} orders ${envelope.warrant.toplevel}`,
      { hint: "what members signed was built from something else: plan and sign again", where: { file } },
    );
  }
}

/** The commit of this repository, whatever is checked out: Nix takes it from the objects alone. */
async function flakeAt(
  { processes, files }: Pick<Context, "processes" | "files">,
  directory: string,
  commit: string,
): Promise<string> {
  const stdout = await readingGit(processes, directory, ["rev-parse", "--show-toplevel", "--show-prefix"]);
  if (stdout === null)
    throw new NixsealError("tool", `git finds no repository with a work tree at ${directory}`, {
      hint: "orders are built from the repository that the fleet lies in",
    });
  const [top = "", prefix = ""] = Buffer.from(stdout).toString("utf8").split("\n");
  const below = prefix === "" ? "" : `&dir=${encodeURIComponent(prefix.replace(/\/$/, ""))}`;
  return `git+file://${encodeURI(await files.realPath(join(top)))}?rev=${commit}${below}`;
}

async function isThere(context: Context, store: string | undefined, path: string): Promise<boolean> {
  const place = localStore(context, store);
  const { code } = await context.processes.run({
    program: "nix",
    args: [
      "--extra-experimental-features",
      "nix-command",
      "path-info",
      ...(place.store === null ? [] : ["--store", place.store]),
      "--",
      path,
    ],
    env: place.environment,
    timeout: 60_000,
  });
  return code === 0;
}
