import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./command.ts";
import { contained } from "./contained.ts";

const suite = "trixie";

export interface Unpacked {
  /** For what is made on the way; of no use afterwards. */
  readonly directory: string;
  readonly tree: string;
  /** mmdebstrap's: `minbase` is a system that boots, `extract` only unpacks the packages. */
  readonly variant: "minbase" | "extract";
  readonly packages: readonly string[];
  /** Milliseconds. */
  readonly timeout: number;
}

/** Debian packages in a tree of their own, from the archive that this machine itself uses. */
export async function unpackDebian({ directory, tree, variant, packages, timeout }: Unpacked): Promise<void> {
  const sourcesFile = join(directory, "apt.sources");
  writeFileSync(sourcesFile, debianSources());
  const apt = (await run(["apt-config", "dump"]))
    .split("\n")
    .filter((line) => /^Acquire::(https?::|Retries|Check-)/.test(line))
    .map((line) => `--aptopt=${line.replace(/;$/, "")}`);
  const omitted = ["doc", "info", "locale", "man"].map(
    (name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`,
  );
  const options = [
    "--quiet",
    `--variant=${variant}`,
    "--format=directory",
    `--include=${packages.join(",")}`,
  ];
  await run([...contained, "mmdebstrap", ...options, ...apt, ...omitted, suite, tree, sourcesFile], {
    timeout,
    // What a killed build leaves there goes with the directory.
    env: { ...process.env, TMPDIR: directory },
  });
}

/** All that decides what `unpackDebian` brings, beside the names of the packages. */
export function debianRecipe(): string[] {
  return [readFileSync(fileURLToPath(import.meta.url), "utf8"), debianSources()];
}

/** The Debian archive that this machine itself uses, with the suite's name replaced. */
function debianSources(): string {
  const own = /^VERSION_CODENAME=(.*)$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1];
  if (own === undefined) throw new Error("/etc/os-release names no suite: the end-to-end tests need Debian");
  const directory = "/etc/apt/sources.list.d";
  const stanzas = readdirSync(directory)
    .filter((name) => name.endsWith(".sources"))
    .flatMap((name) => readFileSync(join(directory, name), "utf8").split(/\n\s*\n/))
    .filter((stanza) => /^Signed-By:.*debian-archive/m.test(stanza))
    .map((stanza) => stanza.replaceAll(/^#.*\n/gm, "").trim());
  const lines = existsSync("/etc/apt/sources.list") ? readFileSync("/etc/apt/sources.list", "utf8") : "";
  const text =
    stanzas.length > 0 ? stanzas.join("\n\n") : (lines.match(/^deb\s.*$/gm) ?? []).map(oneLine).join("\n\n");
  if (text === "") throw new Error("no Debian archive in /etc/apt: the end-to-end tests build a Debian");
  return `${text.replaceAll(new RegExp(`\\b${own}\\b`, "g"), suite)}\n`;
}

/** `deb [options] URI SUITE COMPONENT…` as the stanza that means the same; options are dropped. */
function oneLine(line: string): string {
  const [, uri, own, ...components] = line.replace(/\[[^\]]*\]/, "").split(/\s+/);
  return `Types: deb\nURIs: ${uri}\nSuites: ${own}\nComponents: ${components.join(" ")}`;
}
