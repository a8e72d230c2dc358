/** The laboratory: a directory of its own with hosts in it, in which attacks are tried, and nothing of which stays. */
import { hex } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Random } from "../../core/ports.ts";
import { krlNamespace } from "../../trust/certificates/decide.ts";
import { extendKrl } from "../../trust/certificates/revocation-list.ts";
import { rootNamespace, type Envelope } from "../../trust/root/envelope.ts";
import { encodeRoot, type Root } from "../../trust/root/root.ts";
import type { StatusBundle } from "../../trust/warrant/status-bundle.ts";
import { privateKeySigner, signMessage } from "../../ssh/signer.ts";
import type { Attack, Outcome, Target } from "./attack.ts";
import { GateTarget } from "./gate-target.ts";
import { labFleet, labSigning, makePeople, type People } from "./people.ts";
import { PlainTarget, type TargetPorts } from "./plain-target.ts";

export interface LabOptions {
  readonly program: readonly string[];
  readonly mode: "warrants" | "certificates";
  /** Where its directory is made. */
  readonly parent: string;
  /** Milliseconds for one attack, after which it counts as not tried. Default: two minutes. */
  readonly patience?: number;
}

export interface LabPorts extends TargetPorts {
  readonly random: Random;
}

export interface Tried {
  readonly attack: Attack;
  readonly target: Target["kind"];
  readonly outcome: Outcome;
}

/** Processes have bounds of their own, so that none goes on after its attack. */
const usualPatience = 120_000;
const day = 24 * 3600_000;
/** Warrants of the lab need two. */
const threshold = 2;

export class Lab {
  readonly people: People;
  readonly now: Date;
  readonly #ports: LabPorts;
  readonly #options: LabOptions;
  readonly #directory: string;
  readonly #late: Promise<unknown>[] = [];
  #hosts = 0;

  private constructor(ports: LabPorts, options: LabOptions, directory: string, people: People, now: Date) {
    this.#ports = ports;
    this.#options = options;
    this.#directory = directory;
    this.people = people;
    this.now = now;
  }

  /** Runs the work in a fresh lab, and takes it away whatever happens. */
  static async within<T>(ports: LabPorts, options: LabOptions, work: (lab: Lab) => Promise<T>): Promise<T> {
    const directory = `${options.parent}/nixseal-lab-${hex(ports.random.bytes(8))}`;
    await ports.files.makeDirectory(directory, { mode: 0o700 }); // never one that somebody made before us
    let lab: Lab | null = null;
    try {
      const now = ports.clock.now();
      lab = new Lab(ports, options, directory, await makePeople(ports, directory, now), now);
      return await work(lab);
    } finally {
      // What took too long still works in there, until the bounds of its processes end it.
      await Promise.allSettled(lab === null ? [] : lab.#late);
      await removeStores(ports, directory);
    }
  }

  async try(attack: Attack, kind: Target["kind"]): Promise<Tried> {
    const outcome = await this.#bounded(this.#attempt(attack, kind));
    return { attack, target: kind, outcome };
  }

  /** The revocation list that Carol is on, as it travels with a deployment. */
  async statusWithout(
    ...members: readonly (keyof People & ("alice" | "bob" | "carol"))[]
  ): Promise<StatusBundle> {
    const { people } = this;
    const keys = members
      .map((name) => people[name].signer.identity)
      .map((identity) => (identity.type === "certificate" ? identity.key.fingerprint : identity.fingerprint));
    const file = await extendKrl(labSigning(this.#ports), null, { serials: [], keys }, 1n);
    const signature = await signMessage(file, krlNamespace, privateKeySigner(people.caKey));
    return { roots: [await this.rootVersion(1)], krl: { file, signatures: [signature] }, heads: new Map() };
  }

  async rootVersion(version: number): Promise<Envelope> {
    const { rootKey, caKey } = this.people;
    const root: Root = {
      version,
      fleet: labFleet,
      expires: new Date(Math.floor(this.now.getTime() / 1000) * 1000 + day),
      root: { keys: [rootKey.publicKey], threshold: 1 },
      ca: { keys: [caKey.publicKey] },
      warrant: { threshold, groups: new Map() },
      upstream: [],
      groups: new Map(),
      gateEpoch: 0,
    };
    const payload = encodeRoot(root);
    return {
      payload,
      root,
      signatures: [await signMessage(payload, rootNamespace, privateKeySigner(rootKey))],
    };
  }

  /** A file outside of every host, for what must not be reached. */
  async outside(name: string, content: Uint8Array): Promise<string> {
    const path = `${this.#directory}/${name}`;
    await this.#ports.files.writeAtomic(path, content, { mode: 0o600 });
    return path;
  }

  get ports(): LabPorts {
    return this.#ports;
  }

  async #attempt(attack: Attack, kind: Target["kind"]): Promise<Outcome> {
    try {
      const target = await this.#host(kind);
      return await attack.run(target, this);
    } catch (error) {
      // Whatever could not be done here says nothing about the attack: a program that is missing, say.
      if (!(error instanceof NixsealError) || error.code === "bug") throw error;
      return { kind: "not-tried", why: error.message };
    }
  }

  async #host(kind: Target["kind"]): Promise<Target> {
    const root = `${this.#directory}/${kind}-${(this.#hosts += 1)}`;
    const { program, mode } = this.#options;
    const target =
      kind === "plain"
        ? new PlainTarget(this.#ports, root, this.people)
        : new GateTarget(this.#ports, root, { program, mode, anchor: await this.rootVersion(1) });
    await target.prepare();
    return target;
  }

  async #bounded(work: Promise<Outcome>): Promise<Outcome> {
    const { patience = usualPatience } = this.#options;
    const late = this.#ports.clock.sleep(patience, { background: true }).then(() => null);
    const outcome = await Promise.race([work, late]);
    if (outcome !== null) return outcome;
    this.#late.push(work);
    return { kind: "not-tried", why: `it took longer than ${patience / 1000} s` };
  }
}

/** Paths of a store are read-only directories: made writable first. */
async function removeStores({ files, processes }: LabPorts, directory: string): Promise<void> {
  await processes.run({ program: "chmod", args: ["-R", "u+w", "--", directory], timeout: 60_000 });
  await files.removeTree(directory);
}
