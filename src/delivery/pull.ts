/** One run of `nixseal-agent pull`: whether there is news for this host, and if so, the way of an order through its gate. */
import { join } from "node:path";
import { NixsealError } from "../core/errors.ts";
import { exitCodeOf, exitCodes } from "../core/exit.ts";
import { referencesFirst } from "../gate/receive/held.ts";
import type { StorePath } from "../nix/store-path.ts";
import type { ClosurePath } from "../trust/warrant/closure.ts";
import { readArchive } from "./archive.ts";
import { formatHead, sha256Hex, type DeliveryHead } from "./head.ts";
import { missingPaths, type HostWorld, type Importer } from "./importer.ts";
import { handInReceipts } from "./hand-in.ts";
import { offerFrom } from "./offer.ts";
import { followOrder, whereItStands, type OrderResult } from "./order.ts";
import type { PullConfig } from "./pull-config.ts";
import { failureAfter, mustWait, readPullState, writePullState, type PullState } from "./pull-state.ts";
import { cacheReader, sourceOf, type SourceWorld } from "./pull-source.ts";
import type { Reader } from "./reader.ts";
import type { OrderSource } from "./source.ts";
import { substitute } from "./substitute.ts";

export interface PullResult {
  /** `nothing-new`, `absent` (a removable medium), `waiting` (after a failure), or how the order ended. */
  readonly outcome: "nothing-new" | "absent" | "waiting" | OrderResult["outcome"];
  readonly message: string;
  readonly seq: number | null;
  readonly imported: number;
  /** Why the host's receipts could not be handed in; null when they were, or where there is no way back. */
  readonly receipts: string | null;
  /** Of the failure that is waited for; else 0, or 3 when the order was undone. */
  readonly exit: number;
}

/**
 * Throws why it could not be done, after that was written down; the next run waits longer each time, but tries a newer head at once:
 * what is bad, unsigned or replayed never stands in the way of something good. `now`: whatever was remembered, all is looked at again.
 */
export async function pull(
  world: SourceWorld,
  config: PullConfig,
  say: (message: string) => void,
  { now = false }: { readonly now?: boolean } = {},
): Promise<PullResult> {
  const { files, clock, paths } = world;
  const directory = join(paths.quarantine, "pull");
  await files.makeDirectory(directory, { mode: 0o700, parents: true });
  const lock = await files.lock(join(directory, "lock"), { wait: 0, purpose: "nixseal-agent pull" });
  try {
    const kept = await readPullState(files, directory, config);
    const state = now ? { ...kept, tag: null, done: null, failure: null } : kept;
    const { failure } = state;
    if (await isAbsent(world, config))
      return { ...simply("absent", "the medium is not there"), receipts: null };
    const mayNot = failure !== null && failure.head === null && mustWait(failure, clock.now());
    try {
      const result = mayNot ? waiting(state) : await attempt(world, config, directory, state, say);
      return { ...result, receipts: await handInReceipts(world, config, directory) };
    } catch (error) {
      // An order that was refused may have been tried before: its receipt is not held up by what comes now.
      await handInReceipts(world, config, directory);
      throw error;
    }
  } finally {
    await lock.release();
  }
}

/** Whether the source can be read, and holds something for this host. For a health check of the system that pulls. */
export async function lookForHead(world: SourceWorld, config: PullConfig): Promise<DeliveryHead> {
  const directory = join(world.paths.quarantine, "pull");
  const found = await sourceOf(world, config, directory).head(null);
  if (found !== null) return forThisHost(world, found.head);
  throw new NixsealError("io", "the source says that nothing has changed, unasked");
}

type Attempted = Omit<PullResult, "receipts">;

/** In place of a head that could not be read, or must not be: the next one is looked at as soon as it is there. */
const unreadable = "unreadable";

async function attempt(
  world: SourceWorld,
  config: PullConfig,
  directory: string,
  state: PullState,
  say: (message: string) => void,
): Promise<Attempted> {
  const { files, clock, random } = world;
  let head: string | null = null;
  const keep = (next: Partial<PullState>): Promise<void> =>
    writePullState(files, directory, { ...state, ...next });
  try {
    const source = sourceOf(world, config, directory);
    const found = await source.head(state.tag);
    head = found === null ? state.done : digestOfHead(found.head);
    if (found === null || head === state.done) {
      if (state.failure !== null || (found?.tag ?? state.tag) !== state.tag)
        await keep({ tag: found?.tag ?? state.tag, failure: null });
      return simply("nothing-new", `${source.name} has nothing new`);
    }
    if (state.failure?.head === head && mustWait(state.failure, clock.now())) return waiting(state);
    const result = await followHead(world, config, source, forThisHost(world, found.head), say);
    if (result.outcome === "undone") {
      const code = exitCodes.partial;
      const { message } = result;
      await keep({ failure: failureAfter(state.failure, { head, message, code }, clock.now(), random) });
      return { ...result, exit: code };
    }
    await keep({ tag: found.tag, done: head, failure: null });
    return { ...result, exit: exitCodes.done };
  } catch (error) {
    if (!(error instanceof NixsealError) || error.code === "bug") throw error;
    const isAway = error.code === "io" || error.code === "timeout";
    const about = {
      head: head ?? (isAway ? null : unreadable),
      message: error.message,
      code: exitCodeOf(error),
    };
    // On a full disk the error itself is what to tell.
    await keep({ failure: failureAfter(state.failure, about, clock.now(), random) }).catch(ignoreIo);
    throw error;
  }
}

async function followHead(
  world: SourceWorld,
  config: PullConfig,
  source: OrderSource,
  head: DeliveryHead,
  say: (message: string) => void,
): Promise<OrderResult> {
  const { heads } = await whereItStands(world);
  const offer = await offerFrom(source, head, heads);
  return followOrder(
    world,
    offer,
    head.log,
    async (missing, importer) => {
      if (config.substitute) await substitute(world, [...missing.keys()], say);
      const left = config.substitute ? await missingPaths(world, [...missing.values()]) : missing;
      await copyFrom(cacheReader(world, config), left, importer);
    },
    say,
  );
}

async function copyFrom(
  cache: Reader | null,
  missing: ReadonlyMap<StorePath, ClosurePath>,
  importer: Importer,
): Promise<void> {
  for (const path of referencesFirst(missing)) {
    if (cache === null)
      throw new NixsealError("not-found", `no substituter of this host has ${path.path}`, {
        hint: "name a binary cache in pull.json: 'cache'",
      });
    await importer.add(path, readArchive(cache, path));
  }
}

async function isAbsent({ files, paths }: SourceWorld, { source }: PullConfig): Promise<boolean> {
  if (source.kind !== "directory" || !source.removable) return false;
  return (await files.status(join(paths.root, source.path, "hosts"))) === null;
}

/** The server of another fleet, or its directory of another host, is a mistake that is better told early. */
function forThisHost({ config }: HostWorld, head: DeliveryHead): DeliveryHead {
  if (head.fleet === config.fleet && head.host === config.host) return head;
  throw new NixsealError(
    "refused",
    `the delivery is for ${head.host} of ${head.fleet}; this is ${config.host} of ${config.fleet}`,
  );
}

function digestOfHead(head: DeliveryHead): string {
  return sha256Hex(formatHead(head));
}

function waiting({ failure }: PullState): Attempted {
  const { again, count, message, code } = failure!;
  const until = new Date(again).toISOString();
  const text = `waiting until ${until} after ${count} ${count === 1 ? "failure" : "failures"}: ${message}`;
  return { ...simply("waiting", text), exit: code };
}

function simply(outcome: PullResult["outcome"], message: string): Attempted {
  return { outcome, message, seq: null, imported: 0, exit: exitCodes.done };
}

function ignoreIo(error: unknown): void {
  if (!(error instanceof NixsealError)) throw error;
}
