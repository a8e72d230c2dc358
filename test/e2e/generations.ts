import { createHash } from "node:crypto";
import { canonicalJson } from "../../src/core/canonical-json.ts";
import { run } from "./command.ts";
import type { Disk } from "./disk.ts";

/** A secret as a configuration declares it; what is left out has the defaults of fleet.toml. */
export interface Declared {
  readonly value: string;
  readonly owner?: string;
  readonly group?: string;
  readonly mode?: string;
  readonly path?: string;
  readonly stage?: "default" | "users";
  readonly restart?: readonly string[];
  readonly reload?: readonly string[];
  /** SSH public keys; default: the host's own. */
  readonly recipients?: readonly string[];
  /** What happens to the ciphertext before its digest goes into the manifest. */
  readonly damage?: (ciphertext: string) => string;
}

export type Declarations = Readonly<Record<string, Declared>>;

export const secretsDirectory = "/run/nixseal/secrets";

/** What a closure holds of a generation's secrets: a manifest, and its ciphertexts by their paths in it. */
export interface Generation {
  readonly manifest: string;
  readonly sources: ReadonlyMap<string, string>;
}

/** Makes the generations of one host. */
export class Generations {
  readonly #host: string;
  readonly #hostKey: Disk["hostKey"];
  readonly #ciphertexts = new Map<string, Promise<string>>();

  constructor(host: string, hostKey: Disk["hostKey"]) {
    this.#host = host;
    this.#hostKey = hostKey;
  }

  /** What did not change since the generation before keeps its ciphertext. */
  async make(secrets: Declarations, identity = this.#hostKey.path): Promise<Generation> {
    const sources = new Map<string, string>();
    const entries = Object.entries(secrets).sort(([a], [b]) => (a < b ? -1 : 1));
    const listed = await Promise.all(
      entries.map(async ([name, declared]) => {
        const whole = await this.#ciphertext(name, declared);
        const ciphertext = declared.damage?.(whole) ?? whole;
        const source = `secrets/${name}.age`;
        sources.set(source, ciphertext);
        return {
          name,
          source,
          digest: createHash("sha256").update(ciphertext).digest("hex"),
          path: declared.path ?? `${secretsDirectory}/${name}`,
          owner: declared.owner ?? "root",
          group: declared.group ?? "root",
          mode: declared.mode ?? "0400",
          stage: declared.stage ?? "default",
          restart: declared.restart ?? [],
          reload: declared.reload ?? [],
          credential: null,
          together: null,
        };
      }),
    );
    const manifest = { version: 1, host: this.#host, identities: [identity], secrets: listed };
    return { manifest: canonicalJson(manifest), sources };
  }

  /** Encrypted with the stock program, once for each value. */
  #ciphertext(name: string, { value, recipients = [this.#hostKey.public] }: Declared): Promise<string> {
    const key = JSON.stringify([name, value, recipients]);
    const to = recipients.flatMap((recipient) => ["--recipient", recipient]);
    const made = this.#ciphertexts.get(key) ?? run(["age", "--armor", ...to], { input: value });
    this.#ciphertexts.set(key, made);
    return made;
  }
}
