/**
 * The configurations of a flake as Nix evaluates them, for whoever asked for it. What is run is their Nix code, and nothing that
 * it could start: evaluation is pure (no file outside the flake and its locked inputs, no environment, no clock) and restricted
 * (no address that it names is fetched), nothing is built, no import from a derivation, no plug-ins, no settings of theirs.
 * What their inputs are must be in the store already. Time and memory are bounded.
 */
import { join } from "node:path";
import { hex, utf8Text } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Ports } from "../../core/ports.ts";
import { Field } from "../../nix/json-fields.ts";
import { printable } from "../printable.ts";
import { parseEvaluation, type EvaluatedOption } from "./answer.ts";
import { optionsExpression } from "./expression.ts";

export const evaluationLimits = {
  /** Hosts of one flake. */
  hosts: 100,
  /** Milliseconds for one host; one of NixOS takes ten seconds. */
  patience: 180_000,
  /** Milliseconds for all of them. */
  total: 1_800_000,
  /** Bytes of address space of the evaluator, whose collector reserves more than it uses. */
  memory: 8 * 2 ** 30,
  output: 32 << 20,
  /** Bytes of the unpacked source: a small repository can hold a large one. */
  source: 1 << 30,
} as const;

export interface EvaluatedHost {
  readonly host: string;
  /** Null when it could not be evaluated. */
  readonly options: readonly EvaluatedOption[] | null;
  /** Why, as Nix says it. */
  readonly reason: string;
}

export interface NixStore {
  readonly store: string | null;
  readonly environment: Readonly<Record<string, string>>;
}

type Needed = Pick<Ports, "processes" | "files" | "random" | "environment" | "clock">;

/** `repository` is a bare one of ours with the commit that is audited. A flake without configurations has no hosts. */
export async function evaluateHosts(
  ports: Needed,
  repository: string,
  store: NixStore,
  options: readonly string[],
  progress: (done: number, total: number) => void,
): Promise<EvaluatedHost[]> {
  const { files, random, environment, clock } = ports;
  const home = join(environment.get("TMPDIR") ?? "/tmp", `nixseal-evaluation-${hex(random.bytes(8))}`);
  await files.makeDirectory(home, { mode: 0o700 });
  try {
    await archive(ports, repository, home);
    const evaluator = new Evaluator(ports, store, home);
    const names = await evaluator.hosts();
    const began = clock.now().getTime();
    const expression = optionsExpression(options);
    const found: EvaluatedHost[] = [];
    for (const host of names) {
      progress(found.length, names.length);
      const late = clock.now().getTime() - began > evaluationLimits.total;
      found.push(
        late
          ? { host, options: null, reason: "the time for evaluating had run out" }
          : await evaluator.host(host, expression),
      );
    }
    return found;
  } finally {
    await files.removeTree(home);
  }
}

/**
 * The commit as a tar file: Nix fetches no shallow repository, and reads none of theirs. What it unpacks is what git has
 * committed, no more.
 */
async function archive({ processes }: Needed, repository: string, home: string): Promise<void> {
  const { code, stderr } = await processes.run({
    program: "prlimit",
    args: [
      `--fsize=${evaluationLimits.source}`,
      "git",
      "--git-dir",
      repository,
      "archive",
      "--format=tar",
      "--prefix=source/",
      `--output=${join(home, "source.tar")}`,
      "HEAD",
    ],
    timeout: evaluationLimits.patience,
  });
  if (code === 0) return;
  const said = printable(stderr.trim().split("\n").at(-1) ?? `exit code ${code}`);
  if (code > 128)
    throw new NixsealError("limit", `the source has more than ${evaluationLimits.source} bytes`);
  throw new NixsealError("tool", `git could not read the commit: ${said}`);
}

class Evaluator {
  readonly #processes: Ports["processes"];
  readonly #store: NixStore;
  readonly #home: string;

  constructor({ processes }: Needed, store: NixStore, home: string) {
    this.#processes = processes;
    this.#store = store;
    this.#home = home;
  }

  async hosts(): Promise<string[]> {
    const { code, stdout, reason } = await this.#nix("nixosConfigurations", "builtins.attrNames");
    if (code !== 0 && /does not provide attribute/.test(reason)) return [];
    if (code !== 0)
      throw new NixsealError("tool", `the flake could not be evaluated: ${reason}`, {
        hint: "its inputs must be in the store: 'nix flake archive' fetches them, if you trust them",
      });
    const names = Field.parse(stdout, "evaluation").items();
    if (names.length > evaluationLimits.hosts)
      throw new NixsealError("limit", `the flake has more than ${evaluationLimits.hosts} configurations`);
    return names.map((name) => name.string());
  }

  /** What is wrong with one host is said of that one. */
  async host(host: string, expression: string): Promise<EvaluatedHost> {
    try {
      const { code, stdout, reason } = await this.#nix(
        `nixosConfigurations.${quoted(host)}.config`,
        expression,
      );
      return code === 0
        ? { host, options: parseEvaluation(stdout), reason: "" }
        : { host, options: null, reason };
    } catch (error) {
      if (!(error instanceof NixsealError) || error.code === "not-found" || error.code === "cancelled")
        throw error;
      return { host, options: null, reason: error.message };
    }
  }

  async #nix(
    attribute: string,
    expression: string,
  ): Promise<{ code: number; stdout: string; reason: string }> {
    const { code, stdout, stderr } = await this.#processes.run({
      program: "prlimit",
      args: [
        `--as=${evaluationLimits.memory}`,
        `--cpu=${Math.ceil(evaluationLimits.patience / 1000)}`,
        "--core=0",
        "nix",
        ...settings.flatMap(([name, value]) => ["--option", name, value]),
        ...(this.#store.store === null ? [] : ["--store", this.#store.store]),
        "eval",
        "--json",
        "--offline",
        "--no-write-lock-file",
        "--no-update-lock-file",
        "--apply",
        expression,
        "--",
        `file://${encodeURI(this.#home)}/source.tar#${attribute}`,
      ],
      env: { ...this.#store.environment, ...withoutWays(this.#home) },
      timeout: evaluationLimits.patience,
      maxOutput: evaluationLimits.output,
    });
    const lines = stderr.trim().split("\n");
    const said = lines.find((line) => line.startsWith("error:") && line.length > 7) ?? lines.at(-1) ?? "";
    return {
      code,
      stdout: utf8Text(stdout, "the output of nix eval"),
      reason: printable(said || `exit code ${code}`),
    };
  }
}

const settings: readonly (readonly [string, string])[] = [
  ["experimental-features", "nix-command flakes"],
  ["pure-eval", "true"],
  ["restrict-eval", "true"],
  ["allowed-uris", ""],
  ["allow-import-from-derivation", "false"],
  ["allow-unsafe-native-code-during-evaluation", "false"],
  ["plugin-files", ""],
  ["accept-flake-config", "false"],
  ["flake-registry", ""],
  ["use-registries", "false"],
  ["eval-cache", "false"],
  ["builders", ""],
  ["max-jobs", "0"],
  ["fallback", "false"],
  ["substitute", "false"],
  ["post-build-hook", ""],
  ["pre-build-hook", ""],
  ["warn-dirty", "false"],
];

/**
 * No settings, tokens or keys of the person, and no way to the network: proxies that nobody listens at, and for git no transport but
 * files. A flake that names an address (with a hash, which purity allows) could else make this machine ask its own network.
 */
function withoutWays(home: string): Readonly<Record<string, string | undefined>> {
  const nowhere = "http://127.0.0.1:9";
  return {
    HOME: home,
    XDG_CACHE_HOME: join(home, "cache"),
    XDG_CONFIG_HOME: join(home, "config"),
    XDG_DATA_HOME: join(home, "data"),
    XDG_STATE_HOME: join(home, "state"),
    http_proxy: nowhere,
    https_proxy: nowhere,
    all_proxy: nowhere,
    no_proxy: undefined,
    NIX_PATH: "",
    NIX_CONFIG: "",
    GIT_ALLOW_PROTOCOL: "file",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_TERMINAL_PROMPT: "0",
    GIT_LFS_SKIP_SMUDGE: "1",
  };
}

/** An attribute name in a flake reference's fragment. */
function quoted(name: string): string {
  return encodeURIComponent(JSON.stringify(name).replaceAll("${", "\\${"));
}
