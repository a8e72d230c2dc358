import { after, Feed, holders, rootOf } from "../support/advisory-publisher.ts";
import { startHost, type Host } from "./host.ts";
import { notifyUnits, watchUnits } from "./watch-units.ts";

const storePath = (letter: string, name: string): string => `/nix/store/${letter.repeat(32)}-${name}`;
/** What the feed has a critical advisory about. */
export const foo = storePath("f", "foo-1.0");
/** Needs foo; `fixed` does not any more. */
export const web = storePath("w", "web-1.0");
export const fixed = storePath("x", "web-1.1");
export const other = storePath("b", "other-1.0");
const closures: Readonly<Record<string, readonly string[]>> = {
  [foo]: [],
  [web]: [foo],
  [fixed]: [],
  [other]: [],
};
export const vulnerableSystem = storePath("s", "nixos-system-1");
export const fixedSystem = storePath("y", "nixos-system-2");

const daemon = (program: string, more = "", unit = ""): string =>
  `[Unit]\n${unit}\n[Service]\nExecStart=${program}\n${more}\n[Install]\nWantedBy=multi-user.target\n`;

/** Services of all kinds. Those that reach foo: all but `other`, `front`. */
export const services: Readonly<Record<string, string>> = {
  "web.service": daemon(`${web}/bin/run infinity`),
  // Its own command line is of no store: what it is by then, only its process tells.
  "wrapped.service": daemon("/usr/local/bin/wrapper"),
  // The program is innocent, its argument is not.
  "argument.service": daemon(`/bin/sh -c "sleep infinity # ${web}/share/script"`),
  "odd\\x2dname@a.service": daemon(`${web}/bin/run infinity`),
  "late.service": daemon(`${web}/bin/run infinity`, "StandardInput=socket"),
  "late.socket": "[Socket]\nListenStream=/run/late\n[Install]\nWantedBy=sockets.target\n",
  "other.service": daemon(`${other}/bin/run infinity`),
  "front.service": daemon(`${other}/bin/run infinity`, "", "Requires=web.service\nAfter=web.service"),
  "kept-by-list.service": daemon(`${web}/bin/run infinity`),
  "needed.service": daemon(`${web}/bin/run infinity`),
  "kept-too.service": daemon(
    `${other}/bin/run infinity`,
    "",
    "Requires=needed.service\nAfter=needed.service",
  ),
};
export const stopped = [
  "argument.service",
  "late.socket",
  "odd\\x2dname@a.service",
  "web.service",
  "wrapped.service",
];
export const running = ["kept-by-list.service", "kept-too.service", "needed.service", "other.service"];

export async function publish(issued: Date, summary = "overflow"): Promise<Feed> {
  const feed = new Feed();
  feed.root = rootOf(holders, 1, { expires: after(3650) });
  await feed.publish(issued, summary);
  await feed.put(feed.root);
  return feed;
}

/** A host that runs these services, with a feed in /srv/feed. */
export async function watchedSystem(name: string, feed: Feed): Promise<Host> {
  const host = await startHost(name, {
    files: {
      ...watchUnits,
      ...notifyUnits,
      "/usr/local/bin/wrapper": `#!/bin/sh\nexec ${web}/bin/run infinity\n`,
      ...Object.fromEntries(
        Object.entries(services).map(([unit, text]) => [`/etc/systemd/system/${unit}`, text]),
      ),
    },
  });
  for (const [path, bytes] of feed.files) await host.copyIn(`/srv/feed/${path}`, bytes);
  for (const path of [foo, web, fixed, other])
    await host.run(["install", "-D", "/usr/bin/sleep", `${path}/bin/run`]);
  const systems = { [vulnerableSystem]: [web, other], [fixedSystem]: [fixed, other] };
  for (const system of Object.keys(systems)) await host.run(["mkdir", "-p", system]);
  const lines = Object.entries({ ...closures, ...systems }).flatMap(([path, refs]) => [
    path,
    "0".repeat(64),
    "1",
    "",
    String(refs.length),
    ...refs,
  ]);
  await host.run(["nix-store", "--load-db"], { input: `${lines.join("\n")}\n` });
  await host.run([
    "systemctl",
    "--quiet",
    "enable",
    "--now",
    ...Object.keys(services).filter((unit) => unit !== "late.service"),
  ]);
  return host;
}

export async function configure(host: Host, critical: string): Promise<void> {
  const config = {
    version: 1,
    feed: "/srv/feed",
    root: "/srv/feed/1.root.json",
    critical,
    neverStop: ["kept-*"],
  };
  await host.copyIn("/etc/nixseal/watch.json", JSON.stringify(config));
}

/** /run is new at each boot; NixOS makes this symlink early. */
export const boot = (host: Host, system: string): Promise<string> =>
  host.run(["ln", "-sfn", system, "/run/current-system"]);

export async function active(host: Host): Promise<string[]> {
  const text = await host.run([
    "systemctl",
    "list-units",
    "--plain",
    "--no-legend",
    "--state=active",
    "*.service",
    "*.socket",
  ]);
  const units = new Set(text.split("\n").map((line) => line.split(" ")[0]));
  return [...running, ...stopped, "front.service"].filter((unit) => units.has(unit)).sort();
}
