/**
 * A gate that receives from stock clients: a host below a directory with a chroot store, a real sshd with the forced command, and a
 * builder's store to copy from (Debian: nix-bin, openssh-client, openssh-server). Everything is true now, not at a fixed time.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { utf8 } from "../../src/core/bytes.ts";
import { parseGateConfig, type GateConfig } from "../../src/gate/config.ts";
import { formatMessage, type GateMessage } from "../../src/gate/message.ts";
import { gatePaths, type GatePaths } from "../../src/gate/paths.ts";
import type { StorePath } from "../../src/nix/store-path.ts";
import { parsePublicKeyLine } from "../../src/ssh/public-key-line.ts";
import type { PublicKey } from "../../src/ssh/public-key.ts";
import { processes } from "../../src/system/processes.ts";
import { formatRights, rightsOption, type Right } from "../../src/trust/certificates/rights.ts";
import { formatEnvelope } from "../../src/trust/root/envelope.ts";
import { closureFromStore } from "../../src/trust/warrant/local-store.ts";
import type { WarrantEnvelope } from "../../src/trust/warrant/envelope.ts";
import type { Warrant } from "../../src/trust/warrant/model.ts";
import { base64 } from "../../src/core/bytes.ts";
import { top } from "../console.ts";
import { ChrootStore } from "./chroot-store.ts";
import { gateConfigJson } from "./gate-config.ts";
import { signedRoot } from "./roots.ts";
import { sshServer } from "./ssh-server.ts";
import { certificate, fixedKey } from "./ssh-artifacts.ts";
import { temporaryDirectory } from "./temporary.ts";
import { ca, member, root as trustRoot, selectors, signed, warrant } from "./warrants.ts";

const hour = 3600_000;
const agent = join(top, "dist/src/program/agent.js");

export interface Told {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class ReceivingGate {
  readonly directory: string;
  readonly config: GateConfig;
  readonly paths: GatePaths;
  /** The host's store. */
  readonly host: ChrootStore;
  /** The builder's. */
  readonly builder: ChrootStore;
  /** `ssh` and `nix` take this as the address. */
  readonly address = `${userInfo().username}@127.0.0.1`;
  #orders = 0;
  #last: WarrantEnvelope | null = null;

  private constructor(directory: string, config: object) {
    this.directory = directory;
    this.config = parseGateConfig(
      utf8(JSON.stringify({ ...gateConfigJson, tags: [], health: [], confirm: null, ...config })),
    );
    const root = join(directory, "host");
    this.host = new ChrootStore(root);
    this.builder = new ChrootStore(join(directory, "builder"));
    this.paths = gatePaths(root, this.config);
    for (const path of ["etc/nixseal", "etc/nix", "etc/ssh", "run"])
      fs.mkdirSync(join(root, path), { recursive: true });
    fs.mkdirSync(this.paths.quarantine, { recursive: true, mode: 0o700 });
    fs.writeFileSync(
      join(root, "etc/nixseal/gate.json"),
      JSON.stringify({
        v: 1,
        ...this.config,
        upstream: this.config.upstream.map(({ name, bytes }) => `${name}:${base64(bytes)}`),
      }),
    );
    // The member's word for what the daemon trusts is the host's configuration, never the client's.
    const keys = this.config.upstream.map(({ name, bytes }) => `${name}:${base64(bytes)}`).join(" ");
    fs.writeFileSync(
      join(root, "etc/nix/nix.conf"),
      `build-users-group =\nsubstituters =\ntrusted-public-keys = ${keys}\nexperimental-features = nix-command\n`,
    );
  }

  static async make(context: TestContext, config: object = {}): Promise<ReceivingGate> {
    const gate = new ReceivingGate(temporaryDirectory(context), config);
    const root = await signedRoot(
      { ...trustRoot, groups: new Map(), warrant: { threshold: 2, groups: new Map() } },
      [fixedKey(91)],
    );
    fs.writeFileSync(gate.paths.anchor, formatEnvelope(root));
    gate.makeKey("host/etc/ssh/ssh_host_ed25519_key");
    return gate;
  }

  path(...parts: string[]): string {
    return join(this.directory, ...parts);
  }

  /** An ssh key in a file of the name. */
  makeKey(name: string): PublicKey {
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", this.path(name)]);
    return parsePublicKeyLine(fs.readFileSync(this.path(`${name}.pub`), "utf8")).key;
  }

  /** What the forced command of a member's key is. */
  forcedCommand(who: string): string {
    const program = [process.execPath, agent, "receive", "--root", this.paths.root, "--member", who];
    // sshd gives the command no environment to speak of: Nix must not read this machine's configuration.
    const env = ["NIX_CONF_DIR", "NIX_STATE_DIR"].map((name) => `-u ${name}`).join(" ");
    return `env ${env} PATH=${process.env["PATH"]} NIX_CONF_DIR=${join(this.paths.root, "etc/nix")} HOME=${this.paths.root} ${program.join(" ")}`;
  }

  /** sshd, with a key for each member; `use` says whose the builder's clients log in with. */
  async listen(context: TestContext, members: readonly string[] = ["alice", "bob"]): Promise<void> {
    const lines = members.map((who) => {
      this.makeKey(`login-${who}`);
      return `restrict,command="${this.forcedCommand(who)}" ${fs.readFileSync(this.path(`login-${who}.pub`), "utf8")}`;
    });
    fs.writeFileSync(this.path("authorized_keys"), lines.join(""), { mode: 0o600 });
    const port = await sshServer(
      context,
      this.directory,
      [this.path("host/etc/ssh/ssh_host_ed25519_key")],
      [
        `AuthorizedKeysFile ${this.path("authorized_keys")}`,
        "StrictModes no",
        "UsePAM no",
        "ExposeAuthInfo yes",
        "PermitRootLogin prohibit-password",
      ],
    );
    const key = fs.readFileSync(this.path("host/etc/ssh/ssh_host_ed25519_key.pub"), "utf8");
    fs.writeFileSync(this.path("known_hosts"), `[127.0.0.1]:${port} ${key}`);
    this.#port = port;
    this.use(members[0]!);
  }

  #port = 0;

  use(who: string): void {
    this.builder.environment["NIX_SSHOPTS"] = this.sshOptions(who).join(" ");
  }

  sshOptions(who: string): string[] {
    const options = ["BatchMode=yes", "StrictHostKeyChecking=yes", "ConnectTimeout=20", "IdentitiesOnly=yes"];
    options.push(`UserKnownHostsFile=${this.path("known_hosts")}`);
    const place = ["-F", "/dev/null", "-p", String(this.#port), "-i", this.path(`login-${who}`)];
    return [...place, ...options.flatMap((option) => ["-o", option])];
  }

  /** A command of the operator's own, while this process goes on: sshd's connections go through it. */
  async ssh(who: string, words: readonly string[], input: string | Uint8Array = ""): Promise<Told> {
    const child = spawn("ssh", [...this.sshOptions(who), this.address, ...words], { timeout: 60_000 });
    const parts = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => (parts.stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (parts.stderr += text));
    child.stdin.on("error", () => undefined).end(input);
    const [status] = (await once(child, "close")) as [number | null];
    return { status, ...parts };
  }

  /** A member certificate for the key that the member logs in with, as a line. */
  certificate(who: string, rights: readonly Right[] = ["upload"], fields: object = {}): string {
    const { key } = parsePublicKeyLine(fs.readFileSync(this.path(`login-${who}.pub`), "utf8"));
    const { blob, certificateType } = certificate({
      key,
      ca,
      principals: [who],
      validAfter: BigInt(Math.floor(Date.now() / 1000) - 3600),
      validBefore: BigInt(Math.floor(Date.now() / 1000) + 3600),
      critical: [
        [rightsOption, formatRights({ rights, hosts: selectors("*"), maxClosureBytes: null, touch: null })],
      ],
      ...fields,
    });
    return `${certificateType} ${base64(blob)} ${who}\n`;
  }

  /** The next order for what is in the builder's store, signed by two members. */
  async warrant(toplevel: StorePath, fields: Partial<Warrant> = {}): Promise<WarrantEnvelope> {
    const store = { store: this.builder.directory, environment: this.builder.allEnvironment };
    const { paths } = await closureFromStore(processes, store, toplevel);
    const second = Math.floor(Date.now() / 1000) * 1000;
    const valid = {
      validAfter: BigInt(second / 1000 - 3600),
      validBefore: BigInt(second / 1000 + 3600),
    };
    const order = warrant({
      toplevel,
      paths,
      seq: ++this.#orders,
      prev: this.#last?.digest ?? null,
      notBefore: new Date(second - 60_000),
      expires: new Date(second + hour),
      ...fields,
    });
    this.#last = await signed(order, member("alice", 1, valid), member("bob", 2, valid));
    return this.#last;
  }

  /** Sends a message to the root side, past the receiver. */
  tell(message: GateMessage) {
    return this.tellBytes(formatMessage(message));
  }

  /** Messages, with what follows each. */
  tellBytes(input: Uint8Array) {
    const args = [agent, "activate", "--root", this.paths.root, "--here", "--json"];
    const env = { ...this.host.allEnvironment };
    const result = spawnSync(process.execPath, args, {
      input,
      encoding: "utf8",
      timeout: 60_000,
      env,
    });
    if (result.error !== undefined) throw result.error;
    return result;
  }

  async offer(toplevel: StorePath, fields: Partial<Warrant> = {}): Promise<WarrantEnvelope> {
    const envelope = await this.warrant(toplevel, fields);
    this.send(envelope);
    return envelope;
  }

  /** Offers it. */
  send(envelope: WarrantEnvelope): void {
    const told = this.tell({ kind: "offer", warrant: envelope, between: [], status: null });
    if (told.status !== 0) throw new Error(told.stdout + told.stderr);
  }
}
