/** vulnix on the same closure with the same advisories. */
import { spawn, spawnSync } from "node:child_process";
import { createReadStream, createWriteStream, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, join } from "node:path";
import { once } from "node:events";
import { createGzip } from "node:zlib";
import type { Advisory } from "../src/audit/advisories/advisory.ts";

export interface VulnixRun {
  /** Seconds of a scan whose database is there already, and of making that. */
  readonly scan: number;
  readonly prepare: number;
  /** Pairs of a package and an advisory. */
  readonly findings: number;
}

/** Minutes in which its database must be made. */
const patience = 20;

/** The version that the figures were made with, from Python's package index. */
const wanted = "vulnix==1.10.1";

/** The program, where it can be had: from PATH, else from an environment of its own in `directory`. Null without Python's venv or the index. */
export function findVulnix(directory: string): string | null {
  const works = (program: string): boolean =>
    spawnSync(program, ["--version"], { stdio: "ignore" }).status === 0;
  if (works("vulnix")) return "vulnix";
  const own = join(directory, "python");
  const run = (program: string, ...args: string[]): boolean =>
    spawnSync(program, args, { stdio: "ignore", timeout: 300_000 }).status === 0;
  const made = run("python3", "-m", "venv", own) && run(join(own, "bin/pip"), "install", "--quiet", wanted);
  return made ? join(own, "bin/vulnix") : null;
}

/**
 * vulnix reads yearly files of NVD's format 1.1, which NVD no longer serves, from a mirror; this one is on the loopback. The closure
 * goes to it as a list of package names, as it would read them out of derivations.
 */
export async function runVulnix(
  vulnix: string,
  directory: string,
  advisories: Iterable<Advisory>,
  paths: readonly string[],
): Promise<VulnixRun> {
  const mirror = join(directory, "mirror");
  mkdirSync(mirror);
  await writeArchive(join(mirror, "all.json.gz"), advisories);
  const packages = Object.fromEntries(
    paths.map((path, index) => [String(index), { name: basename(path).slice(33), patches: [] }]),
  );
  writeFileSync(join(directory, "packages.json"), JSON.stringify(packages));
  const server = createServer((request, response) => {
    // Everything is in the file of the first year that it asks for; the others are empty.
    const first = request.url?.includes(String(new Date().getFullYear() - 5)) === true;
    const file = join(mirror, first ? "all.json.gz" : "empty.json.gz");
    if (!existsSync(file)) response.writeHead(404).end();
    else createReadStream(file).pipe(response);
  });
  await writeArchive(join(mirror, "empty.json.gz"), []);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  try {
    const run = async (): Promise<{ seconds: number; output: string }> => {
      const began = performance.now();
      const args = [
        "--json",
        "--mirror",
        address,
        "--cache-dir",
        join(directory, "cache"),
        "--from-file",
        join(directory, "packages.json"),
      ];
      const child = spawn(vulnix, args, {
        stdio: ["ignore", "pipe", "ignore"],
        timeout: patience * 60_000,
      });
      let output = "";
      child.stdout.on("data", (piece: Buffer) => (output += piece.toString()));
      const [code] = (await once(child, "close")) as [number | null];
      // 2 with findings; an error has the same code, and no list.
      if (code !== 0 && code !== 2) throw new Error(`vulnix ended with ${code}`);
      return { seconds: (performance.now() - began) / 1000, output };
    };
    const prepared = await run();
    const scanned = await run();
    const list = JSON.parse(scanned.output) as { affected_by: string[] }[];
    const findings = list.reduce((sum, { affected_by: ids }) => sum + ids.length, 0);
    return { scan: scanned.seconds, prepare: prepared.seconds, findings };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

async function writeArchive(file: string, advisories: Iterable<Advisory>): Promise<void> {
  const gzip = createGzip({ level: 1 });
  const out = createWriteStream(file);
  const written = once(gzip.pipe(out), "finish");
  gzip.write('{"CVE_Items":[');
  let first = true;
  for (const advisory of advisories) {
    const text = `${first ? "" : ","}${JSON.stringify(itemOf(advisory))}`;
    first = false;
    if (!gzip.write(text)) await once(gzip, "drain");
  }
  gzip.end("]}");
  await written;
}

function itemOf({ id, summary, score, affected }: Advisory): object {
  const matches = affected.flatMap(({ name, vendor, target, ranges }) =>
    ranges
      .filter(({ status }) => status === "affected")
      .map(({ from, fromExclusive, to, end }) => ({
        vulnerable: true,
        cpe23Uri: `cpe:2.3:a:${vendor}:${name}:*:*:*:*:*:${target || "*"}:*:*`,
        ...(from === null
          ? {}
          : { [fromExclusive ? "versionStartExcluding" : "versionStartIncluding"]: from }),
        ...(to === null ? {} : { [end === "before" ? "versionEndExcluding" : "versionEndIncluding"]: to }),
      })),
  );
  return {
    cve: { CVE_data_meta: { ID: id }, description: { description_data: [{ lang: "en", value: summary }] } },
    configurations: { nodes: [{ operator: "OR", cpe_match: matches }] },
    impact: { baseMetricV3: { cvssV3: { baseScore: score ?? 0 } } },
  };
}
