/** Who answers for a path that is to be imported: decided by the root side itself, from what it has accepted. */
import type { Files } from "../../core/file-ports.ts";
import type { Clock } from "../../core/ports.ts";
import type { StorePath } from "../../nix/store-path.ts";
import type { Certificate } from "../../ssh/certificate.ts";
import { decideRight, type RightGiven } from "../../trust/certificates/decide.ts";
import type { TrustRefusal } from "../../trust/refusal.ts";
import { decideExpiry } from "../../trust/root/decide.ts";
import { thresholdFor } from "../../trust/warrant/decide.ts";
import type { WarrantEnvelope } from "../../trust/warrant/envelope.ts";
import { judgeSignatures } from "../../trust/warrant/signatures.ts";
import { GateRefusal } from "../answer.ts";
import type { GateConfig } from "../config.ts";
import type { Actor } from "../ledger/origin.ts";
import type { GatePaths } from "../paths.ts";
import { gateTime, readKnowledge, type GateKnowledge } from "../state.ts";
import { readWarranted, type WarrantedPath, type WarrantedPaths } from "../warranted.ts";

export interface AuthorityPorts {
  readonly files: Pick<Files, "list" | "read" | "statusOfLink">;
  readonly clock: Pick<Clock, "now">;
}

export class Authority {
  readonly warranted: WarrantedPaths;
  readonly #config: Pick<GateConfig, "host" | "tags">;
  readonly #knowledge: GateKnowledge;
  readonly #now: Date;
  readonly #judged = new Map<WarrantEnvelope, readonly Actor[]>();

  private constructor(
    config: Pick<GateConfig, "host" | "tags">,
    knowledge: GateKnowledge,
    warranted: WarrantedPaths,
    now: Date,
  ) {
    this.#config = config;
    this.#knowledge = knowledge;
    this.warranted = warranted;
    this.#now = now;
  }

  /** As things stand now: to be made anew for each connection, and when a path is asked for that it does not know. */
  static async read(
    { files, clock }: AuthorityPorts,
    paths: GatePaths,
    config: Pick<GateConfig, "fleet" | "host" | "tags">,
  ): Promise<Authority> {
    const knowledge = await readKnowledge(files, paths, config);
    const now = gateTime(clock, knowledge);
    const warranted = await readWarranted(files, paths, { accepted: knowledge.accepted, now });
    return new Authority(config, knowledge, warranted, now);
  }

  /**
   * What the path must be. A pending warrant is judged once more: a key may have been revoked since it was offered. The active one was
   * accepted, and what it named runs already. Throws a refusal.
   */
  forPath(path: StorePath): WarrantedPath & { readonly signers: readonly Actor[] } {
    const found = this.warranted.get(path);
    if (found === null)
      throw new GateRefusal("not-offered", `no warrant names ${path}`, "offer the warrant first");
    return { ...found, signers: this.#signersOf(found) };
  }

  /** Whether the certificate gives `upload` on this host, for stage 0. */
  forUpload(certificate: Certificate, closureBytes: number): RightGiven | TrustRefusal {
    const { trust } = this.#knowledge;
    return decideRight(
      { certificate, right: "upload", host: this.#host, closureBytes },
      { root: trust.root.root, revocations: trust.krl, now: this.#now },
    );
  }

  #signersOf({ envelope, active }: WarrantedPath): readonly Actor[] {
    const known = this.#judged.get(envelope);
    if (known !== undefined) return known;
    const { trust } = this.#knowledge;
    const { root } = trust.root;
    const policy = { root, revocations: trust.krl, now: this.#now };
    const verdicts = judgeSignatures(envelope, this.#host, policy);
    const signers = verdicts.flatMap((verdict, index) => {
      const { signer } = envelope.signatures[index]!;
      if (!verdict.accepted || signer.type !== "certificate") return [];
      return [{ member: verdict.principal, key: verdict.key, serial: signer.serial }];
    });
    if (!active) {
      const expiry = decideExpiry(root, this.#now);
      if (!expiry.accepted) throw new GateRefusal(expiry.code, expiry.reason);
      const threshold = thresholdFor(root, this.#host);
      if (signers.length < threshold)
        throw new GateRefusal(
          "threshold",
          `of those who signed the warrant ${signers.length} still count, of ${threshold} needed`,
        );
    }
    this.#judged.set(envelope, signers);
    return signers;
  }

  get #host() {
    return { name: this.#config.host, labels: this.#config.tags };
  }
}
