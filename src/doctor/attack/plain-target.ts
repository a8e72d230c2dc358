/**
 * A host as the usual how-tos set it up: members' keys in `trusted-public-keys`, and sudo rules with wildcards for `nix-env` and
 * `switch-to-configuration`. It is here to show that an attack is one.
 */
import { utf8 } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import type { Clock, Processes } from "../../core/ports.ts";
import { fingerprint } from "../../nix/fingerprint.ts";
import { typedNix32 } from "../../nix/hash.ts";
import { formatNamed } from "../../nix/signing-key.ts";
import { baseNameOf, digestOf, parseStorePath } from "../../nix/store-path.ts";
import { formerOf, type Former } from "../../trust/warrant/draft.ts";
import { dumpStore } from "../../gate/store/dump.ts";
import { matchesPatternList } from "../../ssh/pattern-list.ts";
import type { Reply, Target } from "./attack.ts";
import type { LabPath } from "./lab-path.ts";
import { makeOrder, type Fields, type Order } from "./order.ts";
import { cacheKeyText, type Member, type People } from "./people.ts";
import { ranFile, type LabSystem } from "./systems.ts";

export interface TargetPorts {
  readonly files: Files;
  readonly processes: Processes;
  readonly clock: Clock;
}

/** As they stand in many a guide; sudo's `*` matches every character. */
const sudoRules = [
  "nix-env -p /nix/var/nix/profiles/system --set /nix/store/*",
  "/nix/store/*/bin/switch-to-configuration *",
];

export class PlainTarget implements Target {
  readonly kind = "plain";
  readonly root: string;
  readonly #ports: TargetPorts;
  readonly #people: People;
  #former: Former | null = null;
  #caches = 0;

  constructor(ports: TargetPorts, root: string, people: People) {
    this.#ports = ports;
    this.root = root;
    this.#people = people;
  }

  async prepare(): Promise<void> {
    for (const path of ["", "/run", "/home"])
      await this.#ports.files.makeDirectory(`${this.root}${path}`, { mode: 0o755, parents: true });
  }

  async send(sender: Member, paths: readonly LabPath[]): Promise<Reply> {
    return this.#copy(paths, [sender], []);
  }

  /** As `nix copy --to` and `nixos-rebuild --target-host` do it: copy, profile, switch. */
  async deploy(order: Order): Promise<Reply> {
    const copied = await this.prepareOrder(order);
    return copied.accepted ? this.finishOrder(order) : copied;
  }

  prepareOrder({ system, signers }: Order): Promise<Reply> {
    return this.#copy(system.closure, signers, []);
  }

  async finishOrder({ envelope, system }: Order): Promise<Reply> {
    const activated = await this.#activate(system.toplevel);
    if (activated.accepted) this.#former = formerOf(envelope);
    return activated;
  }

  async offerBytes(): Promise<Reply> {
    return { accepted: false, said: "plain Nix knows no warrants" };
  }

  async asRoot(words: readonly string[]): Promise<Reply> {
    const command = words.join(" ");
    if (!sudoRules.some((rule) => matchesPatternList(command, rule)))
      return { accepted: false, said: "no sudo rule matches" };
    const [program = "", ...args] = words;
    // What the rules name lies below the lab's root here. Nothing of this machine's own is ever started.
    if (program.startsWith("/nix/store/")) return this.#run(`${this.root}${program}`, args);
    const profile = `${this.root}/nix/var/nix/profiles/system`;
    return this.#nix("nix-env", ["-p", profile, "--set", args.at(-1)!]);
  }

  async plant(...paths: readonly LabPath[]): Promise<Reply> {
    return this.#copy(paths, [], ["--no-check-sigs"]);
  }

  collectGarbage(): Promise<Reply> {
    return this.#nix("nix-store", ["--gc"]);
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

  /** What the members' how-to calls for: their keys are trusted, all alike. */
  get #trusted(): string {
    const { alice, bob, mallory, carol } = this.#people;
    return [alice, bob, mallory, carol].map(cacheKeyText).join(" ");
  }

  async #copy(
    paths: readonly LabPath[],
    signers: readonly Member[],
    options: readonly string[],
  ): Promise<Reply> {
    const cache = `${this.root}/cache-${(this.#caches += 1)}`;
    await writeCache(this.#ports.files, cache, paths, signers);
    const args = [
      "--extra-experimental-features",
      "nix-command",
      "copy",
      "--from",
      `file://${cache}`,
      "--to",
      this.root,
      ...options,
    ];
    const copied = await this.#run("nix", [
      ...this.#options,
      ...args,
      "--",
      ...paths.map(({ info }) => info.path),
    ]);
    await this.#ports.files.removeTree(cache);
    return copied;
  }

  async #activate({ info }: LabPath): Promise<Reply> {
    const profile = `${this.root}/nix/var/nix/profiles/system`;
    const set = await this.#nix("nix-env", ["-p", profile, "--set", info.path]);
    return set.accepted ? this.#run(`${this.root}${info.path}/bin/switch-to-configuration`, ["switch"]) : set;
  }

  #nix(program: string, args: readonly string[]): Promise<Reply> {
    return this.#run(program, [...this.#options, "--store", this.root, ...args]);
  }

  get #options(): string[] {
    return [
      "--option",
      "trusted-public-keys",
      this.#trusted,
      "--option",
      "substitute",
      "false",
      "--option",
      "build-users-group",
      "",
    ];
  }

  #run(program: string, args: readonly string[]): Promise<Reply> {
    return replyOf(this.#ports.processes, { program, args, env: labEnvironment(this.root) });
  }
}

/** NIX_REMOTE makes the lab's store the default one: a forgotten --store must not mean the machine's. */
export function labEnvironment(root: string): Record<string, string> {
  return { HOME: `${root}/home`, NIX_REMOTE: root };
}

export async function replyOf(
  processes: Pick<Processes, "run">,
  command: Parameters<Processes["run"]>[0],
): Promise<Reply> {
  const { code, stderr } = await processes.run({ timeout: 60_000, ...command });
  const lines = stderr
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("warning:"));
  return { accepted: code === 0, said: lines.at(-1) ?? `exit code ${code}` };
}

/** A binary cache on the disk; every signer signs every path. */
export async function writeCache(
  files: Pick<Files, "create" | "makeDirectory">,
  directory: string,
  paths: readonly LabPath[],
  signers: readonly Member[],
): Promise<void> {
  await files.makeDirectory(directory, { mode: 0o700 });
  await files.create(`${directory}/nix-cache-info`, utf8("StoreDir: /nix/store\n"), { mode: 0o600 });
  for (const { info, nar } of paths) {
    const { path, narHash, narSize, references } = info;
    const name = digestOf(path);
    const lines = [
      `StorePath: ${path}`,
      `URL: ${name}.nar`,
      "Compression: none",
      `NarHash: ${typedNix32(narHash)}`,
      `NarSize: ${narSize}`,
      `References: ${references.map(baseNameOf).join(" ")}`,
      ...signers.map(({ cacheKey }) => `Sig: ${formatNamed(cacheKey.sign(fingerprint(info)))}`),
      ...(info.contentAddress === null ? [] : [`CA: fixed:r:${typedNix32(info.contentAddress.hash)}`]),
    ];
    await files.create(`${directory}/${name}.nar`, nar, { mode: 0o600 });
    await files.create(`${directory}/${name}.narinfo`, utf8(`${lines.join("\n")}\n`), { mode: 0o600 });
  }
}

export async function narHashIn(
  processes: Pick<Processes, "converse">,
  store: string,
  { info }: LabPath,
): Promise<string | null> {
  for await (const one of dumpStore(processes, { store, environment: {} }, "/nix/store"))
    if (one.path === parseStorePath(info.path)) return typedNix32(one.narHash);
  return null;
}

export async function linesOf(files: Pick<Files, "read">, root: string): Promise<readonly string[]> {
  try {
    const text = Buffer.from(await files.read(`${root}${ranFile}`, { limit: 1 << 20 })).toString("utf8");
    return text.split("\n").filter((line) => line !== "");
  } catch (error) {
    if (error instanceof NixsealError && error.code === "not-found") return [];
    throw error;
  }
}
