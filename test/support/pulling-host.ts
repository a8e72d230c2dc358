/** Hosts of a deployment lab that nobody connects to, and what they pull from. */
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join, normalize } from "node:path";
import type { TestContext } from "node:test";
import { createHash } from "node:crypto";
import type { StorePath } from "../../src/nix/store-path.ts";
import { top } from "../console.ts";
import type { DeployLab, Ended } from "./deploy-lab.ts";

const agent = join(top, "bin/nixseal-agent");

/** Lets nothing wait for a confirmation, as on every host that pulls. */
export const pullingGate = { confirm: null };

/** Runs `nixseal-agent` as the host's timer would. */
export function startAgent(
  lab: DeployLab,
  host: string,
  words: readonly string[],
): { readonly ended: Promise<Ended>; readonly kill: () => void } {
  const { root } = lab.host(host);
  const env = {
    PATH: process.env["PATH"]!,
    HOME: root,
    LANG: "C.UTF-8",
    NIX_CONF_DIR: join(root, "etc/nix"),
  };
  const child = spawn(process.execPath, [agent, ...words, "--root", root], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const said = { stdout: "", stderr: "" };
  child.stdout.on("data", (bytes: Buffer) => (said.stdout += bytes.toString()));
  child.stderr.on("data", (bytes: Buffer) => (said.stderr += bytes.toString()));
  const ended = new Promise<Ended>((resolve) => child.on("close", (code) => resolve({ code, ...said })));
  // With everything that it started, as a power cut.
  return { ended, kill: () => process.kill(-child.pid!, "SIGKILL") };
}

export function runAgent(lab: DeployLab, host: string, ...words: readonly string[]): Promise<Ended> {
  return startAgent(lab, host, words).ended;
}

/** `source`: as in pull.json; paths in it are below the host's root. */
export function configurePull(lab: DeployLab, host: string, source: object, more: object = {}): void {
  const config = { v: 1, source, cache: null, substitute: false, ...more };
  fs.writeFileSync(join(lab.host(host).root, "etc/nixseal/pull.json"), JSON.stringify(config));
}

/** Orders, signs, and publishes below `directory`. The system's path. */
export async function publish(
  lab: DeployLab,
  host: string,
  name: string,
  directory: string,
): Promise<string> {
  const system = await order(lab, host, name);
  await lab.must("deploy", "publish", host, "--to", directory, "--store", lab.builder.directory);
  return system;
}

/** The next order for a new system, signed by alice. */
export async function order(
  lab: DeployLab,
  host: string,
  name: string,
  files: Readonly<Record<string, string>> = {},
  references: readonly StorePath[] = [],
): Promise<string> {
  const system = lab.system(name, files, references);
  const made = await lab.must(
    "warrant",
    "create",
    host,
    "--toplevel",
    system,
    "--store",
    lab.builder.directory,
    "--json",
  );
  const { warrants } = JSON.parse(made) as { warrants: { file: string }[] };
  await lab.must("warrant", "sign", warrants[0]!.file, "--key", lab.keyOf("alice"), "--yes");
  return system;
}

export interface StaticServer {
  readonly url: string;
  readonly requests: { readonly path: string; readonly status: number; readonly bytes: number }[];
  close(): Promise<void>;
}

/** Serves the files of a directory with strong ETags, and nothing else. */
export async function serveStatic(
  context: Pick<TestContext, "after">,
  directory: string,
  address = "127.0.0.1",
): Promise<StaticServer> {
  const requests: { path: string; status: number; bytes: number }[] = [];
  const server: Server = createServer((request, response) => {
    const path = normalize(decodeURIComponent((request.url ?? "/").split("?")[0]!));
    const answer = (status: number, body: Buffer, headers = {}): void => {
      requests.push({ path, status, bytes: body.length });
      response.writeHead(status, { "content-length": body.length, ...headers }).end(body);
    };
    let body: Buffer;
    try {
      body = fs.readFileSync(join(directory, path));
    } catch {
      return answer(404, Buffer.from("not found\n"));
    }
    const etag = `"${createHash("sha256").update(body).digest("hex").slice(0, 32)}"`;
    if (request.headers["if-none-match"] === etag) {
      requests.push({ path, status: 304, bytes: 0 });
      return void response.writeHead(304, { etag }).end();
    }
    answer(200, body, { etag });
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  context.after(close);
  return { url: `http://${address}:${(server.address() as AddressInfo).port}`, requests, close };
}
