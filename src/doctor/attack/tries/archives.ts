/** Attacks by archives that are not what they should be. */
import { concat, utf8 } from "../../../core/bytes.ts";
import { narMagic } from "../../../nix/nar/format.ts";
import type { Attack, Outcome, Target } from "../attack.ts";
import { GateTarget } from "../gate-target.ts";
import { builtPath, directory, narString, node, withArchive, type LabPath } from "../lab-path.ts";
import type { Lab } from "../lab.ts";
import { formatHash } from "../../../nix/hash.ts";
import { labSystem, sudo } from "../systems.ts";

/** Ordered by two members, so that the archive itself is all that can be wrong; sent, and never valid afterwards. */
async function neverValid(
  target: Target,
  lab: Lab,
  variants: readonly { what: string; ordered: LabPath; sent: LabPath }[],
): Promise<Outcome> {
  const { alice, bob } = lab.people;
  const said: string[] = [];
  for (const { what, ordered, sent } of variants) {
    const order = await target.order(labSystem(target.root, "one", ordered), [alice, bob]);
    const closure = order.system.closure.map((one) => (one === ordered ? sent : one));
    const reply = await target.deploy({ ...order, system: { ...order.system, closure } });
    if (reply.accepted || (await target.narHashOf(sent)) !== null)
      return { kind: "succeeded", how: `${what}: it was taken` };
    said.push(reply.said);
  }
  return { kind: "stopped", by: `each of ${variants.length} was refused, the last with: ${said.at(-1)!}` };
}

export const damagedNar: Attack = {
  name: "damaged-nar",
  what: "an archive comes with turned bits, cut off, or with something behind its end",
  run: (target, lab) => {
    const ordered = sudo(target.root, "honest");
    const { nar, info } = ordered;
    const middle = nar.length >> 1;
    const variants = [
      { what: "a turned bit", nar: nar.map((byte, index) => (index === middle ? byte ^ 1 : byte)) },
      {
        what: "a turned bit in the padding",
        nar: nar.map((byte, index) => (index === nar.length - 1 ? byte ^ 1 : byte)),
      },
      { what: "cut off", nar: nar.subarray(0, nar.length - 8) },
      { what: "cut in the middle", nar: nar.subarray(0, middle) },
    ].map((one) => ({ what: one.what, ordered, sent: { info, nar: one.nar } }));
    // Hash and size of this one are right: only the archive itself ends too early.
    const longer = withArchive(info.path, concat(nar, nar));
    return neverValid(target, lab, [
      ...variants,
      { what: "more behind the end", ordered: longer, sent: longer },
    ]);
  },
};

export const symlink: Attack = {
  name: "symlink",
  what: "an archive writes through a symlink that it made before; a symlink lies where root looks for an upload",
  run: async (target, lab) => {
    const outside = await lab.outside("outside", utf8("untouched"));
    const parent = outside.slice(0, outside.lastIndexOf("/"));
    const nar = concat(
      narString(narMagic),
      directory([
        ["escape", node({ link: parent })],
        ["escape", node({ entries: { outside: "owned" } })],
      ]),
    );
    const { path } = builtPath("escape-1.0", "escape", "").info;
    const made = withArchive(path, nar);
    const verdict = await neverValid(target, lab, [
      { what: "a symlink and a directory of one name", ordered: made, sent: made },
    ]);
    const { files } = lab.ports;
    const content = Buffer.from(await files.read(outside, { limit: 4096 })).toString("utf8");
    if (content !== "untouched") return { kind: "succeeded", how: "a file outside of the store was written" };
    return target instanceof GateTarget && verdict.kind === "stopped" ? inQuarantine(target, lab) : verdict;
  },
};

/** The deploy user owns the quarantine: whatever they put there, root opens no other file by it. */
async function inQuarantine(target: GateTarget, lab: Lab): Promise<Outcome> {
  const { files } = lab.ports;
  const { alice, bob } = lab.people;
  const ordered = sudo(target.root, "honest");
  const order = await target.order(labSystem(target.root, "one", ordered), [alice, bob]);
  const closure = order.system.closure.filter((one) => one !== ordered);
  await target.prepareOrder({ ...order, system: { ...order.system, closure } });
  const secret = await lab.outside("archive", ordered.nar); // even the right bytes: what counts is the way to them
  await files.symlink(secret, `${target.quarantine}/${formatHash(ordered.info.narHash, "nix32")}.nar`);
  const reply = await target.importPath(ordered);
  if (reply.accepted || (await target.narHashOf(ordered)) !== null)
    return { kind: "succeeded", how: "root followed a symlink in the quarantine" };
  return { kind: "stopped", by: reply.said };
}

export const pathNames: Attack = {
  name: "path-names",
  what: "archives with entries named '..', with slashes, repeated or out of order; a store path that leads elsewhere",
  run: async (target, lab) => {
    const file = node("content");
    const lists: readonly (readonly [what: string, names: readonly string[]])[] = [
      ["an entry '..'", [".."]],
      ["an entry '.'", ["."]],
      ["an entry with a slash", ["../../etc/owned"]],
      ["an entry without a name", [""]],
      ["an entry with a NUL", ["a\0b"]],
      ["two of one name", ["a", "a"]],
      ["out of order", ["b", "a"]],
    ];
    const variants = lists.map(([what, names]) => {
      const { path } = builtPath("names-1.0", what, "").info;
      const made = withArchive(
        path,
        concat(narString(narMagic), directory(names.map((name) => [name, file]))),
      );
      return { what, ordered: made, sent: made };
    });
    const verdict = await neverValid(target, lab, variants);
    if (!(target instanceof GateTarget) || verdict.kind !== "stopped") return verdict;
    for (const text of ["/nix/store/../../etc/shadow", "/etc/shadow", "/nix/store/x", "/nix/store/.."]) {
      const reply = await target.importText(text);
      if (reply.accepted) return { kind: "succeeded", how: `root took ${text} as a store path` };
    }
    return verdict;
  },
};
