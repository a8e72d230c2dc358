/** The rules are those of NixOS's manual, "What happens during a system switch?", and of switch-to-configuration-ng. */
import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../test/support/temporary.ts";
import { parseStorePath } from "../nix/store-path.ts";
import { files } from "../system/files.ts";
import { StoreTree } from "./store-tree.ts";
import { expectedChanges, toldChanges, type UnitChanges } from "./unit-changes.ts";
import { readUnitSet, type UnitSet } from "./unit-set.ts";

/** Units that multi-user.target wants, unless they stand below `idle`. */
function set(units: Readonly<Record<string, string | null>>, more: Partial<UnitSet> = {}): UnitSet {
  return {
    files: new Map([["multi-user.target", "[Unit]\nDescription=x\n"], ...Object.entries(units)]),
    dropIns: new Map(),
    aliases: new Map([["default.target", "multi-user.target"]]),
    wants: new Map([["multi-user.target", Object.keys(units)]]),
    ...more,
  };
}

function changes(before: UnitSet, after: UnitSet): Partial<UnitChanges> {
  const { source, ...kinds } = expectedChanges(before, after);
  assert.equal(source, "expected");
  return Object.fromEntries(Object.entries(kinds).filter(([, units]) => units.length > 0));
}

/** Of one unit that runs, whose file was `before` and is `after`. */
const between = (before: string, after: string | null, name = "a.service") =>
  changes(set({ [name]: before }), set(after === null ? {} : { [name]: after }));

const service = (command: string, more = ""): string =>
  `[Unit]\nDescription=it\n[Service]\nExecStart=${command}\n${more}`;

test("the same, and what only people read, change nothing", () => {
  assert.deepEqual(between(service("/x"), service("/x")), {});
  assert.deepEqual(between(service("/x"), service("/x").replace("=it", "=that")), {});
  assert.deepEqual(
    between(service("/x"), `# a comment\n${service("/x")}\n[Install]\nWantedBy=y.target\n`),
    {},
  );
});

test("what is new starts, what is gone stops unless it wants to stay", () => {
  assert.deepEqual(changes(set({}), set({ "a.service": service("/x"), "b.target": "[Unit]\n" })), {
    start: ["a.service"],
  });
  assert.deepEqual(between(service("/x"), null), { stop: ["a.service"] });
  assert.deepEqual(changes(set({ "a.service": service("/x") }), set({ "a.service": null })), {
    stop: ["a.service"],
  });
  assert.deepEqual(between(service("/x").replace("[Service]", "X-StopOnRemoval=false\n[Service]"), null), {});
});

test("what changed is restarted, reloaded or left, as its own file says", () => {
  for (const [more, expected] of [
    ["", { restart: ["a.service"] }],
    ["X-StopIfChanged=false\n", { restart: ["a.service"] }],
    ["X-ReloadIfChanged=true\n", { reload: ["a.service"] }],
    ["X-RestartIfChanged=false\n", { keep: ["a.service"] }],
    ["[Unit]\nRefuseManualStop=yes\n", { keep: ["a.service"] }],
    ["[Unit]\nX-OnlyManualStart=1\n", { keep: ["a.service"] }],
    // The last value counts, and an empty one takes back those before it.
    ["X-RestartIfChanged=false\nX-RestartIfChanged=true\n", { restart: ["a.service"] }],
    ["X-RestartIfChanged=false\nX-RestartIfChanged=\n", { restart: ["a.service"] }],
  ] as const)
    assert.deepEqual(between(service("/x", more), service("/y", more)), expected, more);
  const trigger = (value: string): string => `${service("/x")}[Unit]\nX-Reload-Triggers=${value}\n`;
  assert.deepEqual(between(trigger("1"), trigger("2")), { reload: ["a.service"] });
  const restart = (value: string): string => `${service("/x")}[Unit]\nX-Restart-Triggers=${value}\n`;
  assert.deepEqual(between(restart("1"), restart("2")), { restart: ["a.service"] });
  assert.deepEqual(between(service("/x"), service("/x", "ExecReload=/r\n")), { reload: ["a.service"] });
  assert.deepEqual(between(service("/x", "ExecReload=/r\n"), service("/x")), {});
  // Both at once: the heavier counts.
  assert.deepEqual(between(trigger("1"), trigger("2").replace("/x", "/y")), { restart: ["a.service"] });
});

test("kinds of units: mounts are reloaded for their options, slices, paths and sockets are left alone", () => {
  const mount = (what: string, options: string): string => `[Mount]\nWhat=${what}\nOptions=${options}\n`;
  assert.deepEqual(between(mount("a", "ro"), mount("a", "rw"), "srv.mount"), { reload: ["srv.mount"] });
  assert.deepEqual(between(mount("a", "ro"), mount("b", "ro"), "srv.mount"), { restart: ["srv.mount"] });
  assert.deepEqual(between(mount("a", "ro"), mount("b", "ro"), "-.mount"), { reload: ["-.mount"] });
  for (const kind of ["slice", "path", "socket"])
    assert.deepEqual(between("[Unit]\nAfter=x\n", "[Unit]\nAfter=y\n", `a.${kind}`), {});
  assert.deepEqual(between("[Timer]\nOnBootSec=1\n", "[Timer]\nOnBootSec=2\n", "a.timer"), {
    restart: ["a.timer"],
  });
});

test("a service with a socket goes down until somebody connects; the socket is opened anew", () => {
  const units = (command: string, more = "") => ({
    "a.service": service(command, more),
    "a.socket": "[Socket]\nListenStream=1\n",
  });
  assert.deepEqual(changes(set(units("/x")), set(units("/y"))), {
    stop: ["a.service"],
    restart: ["a.socket"],
  });
  const not = "X-NotSocketActivated=true\n";
  assert.deepEqual(changes(set(units("/x", not)), set(units("/y", not))), {
    restart: ["a.service", "a.socket"],
  });
});

test("what does not run is left: a oneshot that has ended, a unit that nothing pulls in", () => {
  assert.deepEqual(between(service("/x", "Type=oneshot\n"), service("/y", "Type=oneshot\n")), {});
  const stays = "Type=oneshot\nRemainAfterExit=yes\n";
  assert.deepEqual(between(service("/x", stays), service("/y", stays)), { restart: ["a.service"] });
  const idle = { wants: new Map<string, readonly string[]>() };
  assert.deepEqual(
    changes(set({ "a.service": service("/x") }, idle), set({ "a.service": service("/y") }, idle)),
    {},
  );
});

test("instances are made from their template, and drop-ins count for both", () => {
  const template = (command: string, dropIn: string): UnitSet =>
    set(
      { "getty@.service": service(command) },
      {
        wants: new Map([["multi-user.target", ["getty@tty1.service"]]]),
        dropIns: new Map([["getty@tty1.service", [dropIn]]]),
      },
    );
  const restarted = { restart: ["getty@tty1.service"] };
  assert.deepEqual(changes(template("/x", ""), template("/y", "")), restarted);
  assert.deepEqual(changes(template("/x", ""), template("/x", "[Service]\nNice=1\n")), restarted);
  assert.deepEqual(changes(template("/x", ""), template("/x", "")), {});
});

test("what the host's own dry run prints", () => {
  const told = toldChanges([
    "would stop the following units: a.service, b.service, c.socket",
    "would NOT stop the following changed units: systemd-logind.service",
    "would NOT restart the following changed units: getty@tty1.service",
    "would activate the configuration...",
    "would restart systemd",
    "would reload the following units: dbus.service, dev-disk-by\\x2dlabel-root.swap",
    "would restart the following units: nscd.service",
    "would start the following units: a.service, c.socket, d.service, \u001b[31mx",
    "would start the following units as well: e.service",
    "a line of somebody else's: would stop the following units: z.service",
  ]);
  assert.deepEqual(told, {
    source: "dry-activate",
    start: ["d.service", "e.service"],
    stop: ["b.service"],
    restart: ["a.service", "c.socket", "nscd.service"],
    reload: ["dbus.service", "dev-disk-by\\x2dlabel-root.swap"],
    keep: ["getty@tty1.service", "systemd-logind.service"],
  });
});

test("units are read from a system in a chroot store, and no link leads out of it", async (t) => {
  const root = temporaryDirectory(t);
  const path = (letter: string, name: string) => `/nix/store/${letter.repeat(32)}-${name}`;
  const put = (at: string, text: string): void => {
    mkdirSync(join(root, at, ".."), { recursive: true });
    writeFileSync(join(root, at), text);
  };
  const link = (at: string, target: string): void => {
    mkdirSync(join(root, at, ".."), { recursive: true });
    symlinkSync(target, join(root, at));
  };
  writeFileSync(join(root, "outside"), "[Service]\nExecStart=/secret\n");
  const [system, units] = [path("a", "system"), path("b", "units")];
  put(`${path("c", "unit-a")}/a.service`, service("/x"));
  put(`${units}/multi-user.target`, "[Unit]\n");
  link(`${units}/default.target`, "multi-user.target");
  link(`${units}/a.service`, `${path("c", "unit-a")}/a.service`);
  link(`${units}/masked.service`, "/dev/null");
  link(`${units}/out.service`, join(root, "outside"));
  link(`${units}/up.service`, "../../../outside");
  link(`${units}/loop.service`, `${units}/loop.service`);
  link(`${units}/multi-user.target.wants/a.service`, "../a.service");
  put(`${units}/a.service.d/overrides.conf`, "[Service]\nNice=1\n");
  link(`${path("d", "etc")}/etc/systemd/system`, units);
  link(`${system}/etc`, `${path("d", "etc")}/etc`);
  const tree = new StoreTree(files, root, "/nix/store");
  const found = (await readUnitSet(tree, parseStorePath(system)))!;
  assert.deepEqual([...found.files.keys()].sort(), ["a.service", "masked.service", "multi-user.target"]);
  assert.deepEqual(found.dropIns.get("a.service"), ["[Service]\nNice=1\n"]);
  assert.deepEqual(found.wants.get("multi-user.target"), ["a.service"]);
  assert.equal(found.files.get("masked.service"), null);
  assert.equal(await readUnitSet(tree, parseStorePath(path("f", "system"))), null);
});
