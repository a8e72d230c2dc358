/** A host with the gate: this program itself, started as sshd and sudo start it, with a root of its own. */
import { utf8 } from "../../core/bytes.ts";
import { canonicalJson } from "../../core/canonical-json.ts";
import { NixsealError } from "../../core/errors.ts";
import { gateConfigFile } from "../../gate/config.ts";
import { formatMessage, type GateMessage } from "../../gate/message.ts";
import { gateState } from "../../gate/paths.ts";
import { typedNix32 } from "../../nix/hash.ts";
import { GateClient } from "./gate-client.ts";
import { formatEnvelope, type Envelope } from "../../trust/root/envelope.ts";
import { formerOf, type Former } from "../../trust/warrant/draft.ts";
import type { Reply, Target } from "./attack.ts";
import { builtPath, type LabPath } from "./lab-path.ts";
import { makeOrder, type Fields, type Order } from "./order.ts";
import { labFleet, labHost, type Member } from "./people.ts";
import { labEnvironment, linesOf, narHashIn, replyOf, writeCache, type TargetPorts } from "./plain-target.ts";
import { labSystem, type LabSystem } from "./systems.ts";

export interface GateOptions {
  /** How this program is started. */
  readonly program: readonly string[];
  /** As the user's own host has it. */
  readonly mode: "warrants" | "certificates";
  readonly anchor: Envelope;
}

/** Members that carry what is ordered need no certificate for it: CI is one. */
const carrier = "ci";

export class GateTarget implements Target {
  readonly kind = "gate";
  readonly root: string;
  readonly #ports: TargetPorts;
  readonly #options: GateOptions;
  readonly #client: GateClient;
  #former: Former | null = null;
  #caches = 0;

  constructor(ports: TargetPorts, root: string, options: GateOptions) {
    this.#ports = ports;
    this.root = root;
    this.#options = options;
    this.#client = new GateClient(ports, root, options.program);
  }

  async prepare(): Promise<void> {
    const { files, processes } = this.#ports;
    const directories = [
      "/etc/nixseal",
      "/etc/ssh",
      "/run",
      "/home",
      "/nix/store",
      "/nix/var/nix/profiles",
      `${gateState}/quarantine`,
    ];
    await files.makeDirectory(this.root, { mode: 0o755 });
    for (const path of directories)
      await files.makeDirectory(`${this.root}${path}`, { mode: 0o755, parents: true });
    await files.setMode(`${this.root}${gateState}/quarantine`, 0o700);
    const config = {
      v: 1,
      fleet: labFleet,
      host: labHost,
      tags: [],
      storeDirectory: "/nix/store",
      store: null,
      user: "root", // one account plays both sides here
      mode: this.#options.mode,
      root: "/etc/nixseal/root.json",
      upstream: [],
      confirm: null,
      health: [],
      quarantine: { bytes: 1 << 26, days: 1 },
      profile: "/nix/var/nix/profiles/system",
      hostKey: "/etc/ssh/ssh_host_ed25519_key",
    };
    await files.create(`${this.root}${gateConfigFile}`, utf8(canonicalJson(config)), { mode: 0o644 });
    await files.create(`${this.root}/etc/nixseal/root.json`, formatEnvelope(this.#options.anchor), {
      mode: 0o644,
    });
    const key = `${this.root}/etc/ssh/ssh_host_ed25519_key`;
    const made = await replyOf(processes, {
      program: "ssh-keygen",
      args: ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key],
    });
    if (!made.accepted) throw new NixsealError("tool", `ssh-keygen failed: ${made.said}`);
    await this.#installFirst();
  }

  /** A host comes into the world with a system, by other hands than the gate's. There must be one to go back to. */
  async #installFirst(): Promise<void> {
    const { files, processes } = this.#ports;
    const { toplevel, closure } = labSystem(
      this.root,
      "first",
      builtPath("sudo-0.9", "first", "#!/bin/sh\n"),
      (path) => `"${path}"`,
    );
    const { path } = toplevel.info;
    const planted = await this.plant(...closure);
    if (!planted.accepted)
      throw new NixsealError("tool", `the first system cannot be installed: ${planted.said}`);
    const profile = `${this.root}/nix/var/nix/profiles/system`;
    const args = ["--store", this.root, "-p", profile, "--set", path];
    const set = await replyOf(processes, { program: "nix-env", args, env: labEnvironment(this.root) });
    if (!set.accepted) throw new NixsealError("tool", `the first system cannot be installed: ${set.said}`);
    await files.symlink(path, `${this.root}/run/current-system`);
  }

  async send(sender: Member, paths: readonly LabPath[]): Promise<Reply> {
    const shown = await this.#client.receive(
      sender.name,
      "nixseal-gate present",
      utf8(sender.certificateLine),
    );
    if (!shown.accepted) return shown;
    const sent = await this.#client.upload(sender.name, paths);
    if (!sent.accepted) return sent;
    for (const path of paths)
      if ((await this.narHashOf(path)) === typedNix32(path.info.narHash))
        return { accepted: true, said: "it was taken into the store" };
    return { accepted: true, said: "the upload went no further than the quarantine" };
  }

  async deploy(order: Order): Promise<Reply> {
    const prepared = await this.prepareOrder(order);
    return prepared.accepted ? this.finishOrder(order) : prepared;
  }

  async prepareOrder({ envelope, system, status }: Order): Promise<Reply> {
    const offered = await this.#tell({ kind: "offer", warrant: envelope, between: [], status });
    return offered.accepted ? this.#client.upload(carrier, system.closure) : offered;
  }

  async finishOrder({ envelope }: Order): Promise<Reply> {
    const warrant = envelope.digest;
    const activated = await this.#tell({
      kind: "activate",
      warrant,
      action: "switch",
      rehash: false,
      fence: null,
      log: null,
    });
    if (activated.accepted) this.#former = formerOf(envelope);
    return activated;
  }

  /** As the deploy user could, past the receiver. */
  importPath(path: LabPath): Promise<Reply> {
    return this.importText(path.info.path);
  }

  importText(path: string): Promise<Reply> {
    return this.#client.tell(
      utf8(`${canonicalJson({ kind: "import", bytes: null, path, uploader: null })}\n`),
    );
  }

  get quarantine(): string {
    return `${this.root}${gateState}/quarantine`;
  }

  offerBytes(bytes: Uint8Array): Promise<Reply> {
    const warrant = Buffer.from(bytes).toString("latin1");
    return this.#client.tell(
      utf8(`${canonicalJson({ between: [], kind: "offer", status: null, warrant })}\n`),
    );
  }

  /** The one line that sudo has for the deploy user, compared as sudo does where no pattern is in it. */
  async asRoot(words: readonly string[]): Promise<Reply> {
    const only = "/run/current-system/sw/bin/nixseal-agent activate";
    if (words.join(" ") !== only)
      return { accepted: false, said: `sudo has one rule for the deploy user: ${only}` };
    return this.#client.tell(utf8(`${words.join(" ")}\n`));
  }

  async plant(...paths: readonly LabPath[]): Promise<Reply> {
    const { files, processes } = this.#ports;
    const cache = `${this.root}/cache-${(this.#caches += 1)}`;
    await writeCache(files, cache, paths, []);
    const args = [
      "copy",
      "--from",
      `file://${cache}`,
      "--to",
      this.root,
      "--no-check-sigs",
      "--",
      ...paths.map(({ info }) => info.path),
    ];
    const planted = await replyOf(processes, {
      program: "nix",
      args: ["--extra-experimental-features", "nix-command", "--option", "substitute", "false", ...args],
      env: labEnvironment(this.root),
    });
    await files.removeTree(cache);
    return planted;
  }

  collectGarbage(): Promise<Reply> {
    const env = labEnvironment(this.root);
    return replyOf(this.#ports.processes, {
      program: "nix-store",
      args: ["--store", this.root, "--gc"],
      env,
    });
  }

  narHashOf(path: LabPath): Promise<string | null> {
    return narHashIn(this.#ports.processes, this.root, path);
  }

  ran(): Promise<readonly string[]> {
    return linesOf(this.#ports.files, this.root);
  }

  order(system: LabSystem, signers: readonly Member[], fields?: Fields): Promise<Order> {
    return makeOrder({ system, signers, former: this.#former, now: this.#ports.clock.now() }, fields);
  }

  #tell(message: GateMessage): Promise<Reply> {
    return this.#client.tell(formatMessage(message));
  }
}
