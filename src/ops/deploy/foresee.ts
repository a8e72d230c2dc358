/** What an activation would do to a host, from the files of both systems where the store here has them. */
import { NixsealError } from "../../core/errors.ts";
import type { StorePath } from "../../nix/store-path.ts";
import { manifestsIn, secretChanges, type SecretChanges } from "../../deploy/secret-changes.ts";
import { StoreTree } from "../../deploy/store-tree.ts";
import { expectedChanges, type UnitChanges } from "../../deploy/unit-changes.ts";
import { readUnitSet, type UnitSet } from "../../deploy/unit-set.ts";
import { bootParts } from "../../gate/store/boot-parts.ts";
import type { ClosurePath } from "../../trust/warrant/closure.ts";
import type { Action } from "../../trust/warrant/model.ts";
import type { Context } from "../op.ts";
import { storeDirectory } from "../warrant/nix-store.ts";

/** Each answer is null where it cannot be told from here. */
export interface Foresight {
  reboot(running: StorePath, next: StorePath): Promise<boolean | null>;
  units(running: StorePath, next: StorePath): Promise<UnitChanges | null>;
  secrets(
    host: string,
    before: readonly ClosurePath[],
    after: readonly ClosurePath[],
  ): Promise<SecretChanges | null>;
}

/** `store` as `nix --store` takes it. Of stores that are not on this machine nothing is read. */
export function foresee(
  context: Pick<Context, "files" | "environment" | "emit">,
  store: string | null,
  action: Action,
): Foresight {
  const isHere = store === null || store.startsWith("/");
  const tree = new StoreTree(context.files, store ?? "", storeDirectory(context));
  const sets = new Map<StorePath, Promise<UnitSet | null>>();
  const unitsOf = (toplevel: StorePath): Promise<UnitSet | null> => {
    const known = sets.get(toplevel) ?? readUnitSet(tree, toplevel);
    sets.set(toplevel, known);
    return known;
  };
  // The order stands whatever is foreseen of it: what cannot be read is said, and keeps nobody from deploying.
  const told = async <T>(about: string, look: () => Promise<T | null>): Promise<T | null> => {
    if (!isHere) return null;
    try {
      return await look();
    } catch (error) {
      if (!(error instanceof NixsealError) || error.code === "bug") throw error;
      context.emit({ type: "warning", message: `${about} cannot be told beforehand: ${error.message}` });
      return null;
    }
  };
  const reboot: Foresight["reboot"] = async (running, next) => {
    for (const name of bootParts) {
      const [was, is] = [await bootPart(tree, running, name), await bootPart(tree, next, name)];
      if (was === null || is === null) return null;
      if (was !== is) return true;
    }
    return false;
  };
  const units: Foresight["units"] = async (running, next) => {
    // What boots next time is not activated now.
    if (action === "boot") return null;
    const [was, is] = [await unitsOf(running), await unitsOf(next)];
    return was === null || is === null ? null : expectedChanges(was, is);
  };
  return {
    reboot: (running, next) => told("whether a reboot is needed", () => reboot(running, next)),
    units: (running, next) => told("what becomes of units", () => units(running, next)),
    secrets: (host, before, after) =>
      told("which secrets change", () =>
        secretChanges(tree, manifestsIn(before, host), manifestsIn(after, host)),
      ),
  };
}

/** The file that it is, or its content where it is a file of the system itself. */
async function bootPart(tree: StoreTree, toplevel: StorePath, name: string): Promise<string | null> {
  const path = `${toplevel}/${name}`;
  const resolved = await tree.resolve(path);
  if (resolved === null || !resolved.startsWith(`${toplevel}/`)) return resolved;
  return Buffer.from(await tree.read(path, 1 << 20)).toString("latin1");
}
