import assert from "node:assert/strict";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { TlsIdentity } from "../../src/core/http-ports.ts";
import { SecretValue } from "../../src/core/secret-value.ts";
import { temporaryDirectory } from "./temporary.ts";

export interface Etcd {
  readonly endpoints: readonly string[];
  readonly identity: TlsIdentity;
  /** An identity whose certificate another authority made. */
  readonly stranger: TlsIdentity;
  /** kill -9 for the member that leads now. */
  killLeader(): void;
}

/** A cluster of real etcd servers on this machine that speak mutual TLS only. */
export async function startEtcd(context: TestContext, size: 1 | 3): Promise<Etcd> {
  const directory = temporaryDirectory(context);
  const ours = authority(directory, "ours");
  const theirs = authority(directory, "theirs");
  const [ca, cert, key] = [ours.ca, ...ours.issue("server")];
  const ports = await freePorts(2 * size);
  const members = Array.from({ length: size }, (_, index) => ({
    name: `m${index}`,
    client: `https://127.0.0.1:${ports[2 * index]}`,
    peer: `https://127.0.0.1:${ports[2 * index + 1]}`,
  }));
  const tls = (prefix: string): string[] => [
    `--${prefix}cert-file=${cert}`,
    `--${prefix}key-file=${key}`,
    `--${prefix}client-cert-auth`,
    `--${prefix}trusted-ca-file=${ca}`,
  ];
  const children = new Map<string, ChildProcess>();
  for (const { name, client, peer } of members) {
    const args = [
      `--name=${name}`,
      `--data-dir=${join(directory, name)}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=${members.map((one) => `${one.name}=${one.peer}`).join(",")}`,
      "--logger=zap",
      "--log-level=error",
      ...tls(""),
      ...tls("peer-"),
    ];
    children.set(name, spawn("etcd", args, { stdio: "ignore" }));
  }
  context.after(() => children.forEach((child) => child.kill("SIGKILL")));

  const [userCert, userKey] = ours.issue("operator");
  const endpoints = members.map(({ client }) => client);
  const etcdctl = (...words: string[]): string => {
    const flags = [
      `--endpoints=${endpoints.join(",")}`,
      `--cacert=${ca}`,
      `--cert=${userCert}`,
      `--key=${userKey}`,
    ];
    const { stdout } = spawnSync("etcdctl", [...flags, ...words], {
      encoding: "utf8",
      timeout: 10_000,
      env: { PATH: process.env["PATH"], ETCDCTL_API: "3" },
    });
    return stdout;
  };
  for (let tries = 0; etcdctl("get", "nothing", "-w", "json") === ""; tries++) {
    assert.ok(tries < 100, "etcd does not come up");
    await sleep(100);
  }
  return {
    endpoints,
    identity: identity(ca, userCert, userKey),
    stranger: identity(ca, ...theirs.issue("operator")),
    killLeader() {
      const status = JSON.parse(etcdctl("endpoint", "status", "-w", "json")) as readonly {
        Endpoint: string;
        Status: { header: { member_id: number }; leader: number };
      }[];
      const leader = status.find((one) => one.Status.leader === one.Status.header.member_id);
      const { name } = members.find((one) => one.client === leader!.Endpoint)!;
      children.get(name)!.kill("SIGKILL");
    },
  };
}

function identity(ca: string, certificate: string, key: string): TlsIdentity {
  return {
    authorities: readFileSync(ca),
    certificate: readFileSync(certificate),
    key: new SecretValue(readFileSync(key)),
  };
}

/** An authority made by stock openssl, and certificates of it for 127.0.0.1, good for both sides. */
function authority(directory: string, name: string): { ca: string; issue(who: string): [string, string] } {
  const at = (file: string): string => join(directory, `${name}-${file}`);
  const openssl = (...args: string[]): void => {
    const { status, stderr } = spawnSync("openssl", args, { encoding: "utf8" });
    assert.equal(status, 0, stderr);
  };
  const fresh = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  openssl(
    "req",
    "-x509",
    ...fresh,
    "-keyout",
    at("ca.key"),
    "-out",
    at("ca.pem"),
    "-subj",
    `/CN=${name}`,
    "-days",
    "2",
  );
  return {
    ca: at("ca.pem"),
    issue(who) {
      const [key, request, certificate, extensions] = ["key", "csr", "pem", "ext"].map((part) =>
        at(`${who}.${part}`),
      );
      writeFileSync(extensions!, "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n");
      openssl("req", ...fresh, "-keyout", key!, "-out", request!, "-subj", `/CN=${who}`);
      const by = ["-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-CAcreateserial", "-days", "2"];
      openssl("x509", "-req", "-in", request!, ...by, "-extfile", extensions!, "-out", certificate!);
      return [certificate!, key!];
    },
  };
}

async function freePorts(many: number): Promise<number[]> {
  const servers = Array.from({ length: many }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) => {
          server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
