/**
 * Archives that are not in the store: on their way there, or waiting for a warrant. The directory belongs to the deploy
 * user, and whoever reads it as root believes nothing of it. Entries appear whole or not at all; what a killed process
 * leaves is known by its name and swept away.
 */
import { join } from "node:path";
import { hex, utf8, utf8Text } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import type { Processes, Random } from "../../core/ports.ts";
import type { Hash } from "../../nix/hash.ts";
import { parseNarInfo } from "../../nix/narinfo.ts";
import { formatNarInfo } from "../../nix/narinfo-text.ts";
import type { PathInfo } from "../../nix/path-info.ts";
import { digestOf, type StorePath } from "../../nix/store-path.ts";
import { writeIncoming } from "./incoming.ts";
import {
  claimName,
  incomingName,
  narName,
  parseClaimName,
  parseIncomingName,
  type Claim,
  type Reservation,
} from "./names.ts";
import { checkQuota, heldBy, smallestEntry, type Held, type QuotaLimits } from "./quota.ts";

export interface QuarantinePorts {
  readonly files: Pick<
    Files,
    | "freeSpace"
    | "link"
    | "list"
    | "makeDirectory"
    | "openAtomic"
    | "read"
    | "remove"
    | "rename"
    | "sync"
    | "writeAtomic"
  >;
  readonly random: Random;
  readonly processes: Pick<Processes, "pid">;
}

export interface QuarantineLimits extends QuotaLimits {
  /** Bytes that stay free on the disk: the host needs them for its logs, and Nix for the store. */
  readonly reserve: number;
}

/** An archive that came in whole and had its hash. */
export interface Arrived {
  readonly info: PathInfo;
  /** This process's own link to it; null for one that was kept for somebody earlier. */
  readonly file: string | null;
}

const largestClaim = 8 << 20;

export class Quarantine {
  readonly directory: string;
  readonly #ports: QuarantinePorts;
  readonly #limits: QuarantineLimits;

  constructor(ports: QuarantinePorts, directory: string, limits: QuarantineLimits) {
    this.#ports = ports;
    this.directory = directory;
    this.#limits = limits;
  }

  /** Makes what is missing inside. */
  async prepare(): Promise<void> {
    for (const name of ["claims", "incoming"])
      await this.#ports.files.makeDirectory(join(this.directory, name), { mode: 0o700, parents: true });
  }

  /**
   * Takes an archive in. `member` is whose quota it counts against, null for what a warrant names, whose size members have signed.
   * Throws `limit` over the quota, `io` when the disk is full, and what the archive's stream throws; nothing is left then.
   */
  async receive(info: PathInfo, nar: AsyncIterable<Uint8Array>, member: string | null): Promise<Arrived> {
    const { files, random, processes } = this.#ports;
    if (member !== null) descriptionOf(info);
    await this.checkSpace(info.narSize);
    const name = incomingName(info.narSize, member, processes.pid, hex(random.bytes(8)));
    const path = join(this.directory, "incoming", name);
    // What a warrant names is gone again in a moment, and is hashed on its way into the store.
    const file = await files.openAtomic(path, { mode: 0o600, sync: member !== null });
    try {
      if (member !== null) checkQuota(member, await this.claims(), await this.#incoming(), this.#limits);
      await writeIncoming(file, nar);
      await file.commit();
    } catch (error) {
      await file.discard();
      throw error;
    }
    return { info, file: name };
  }

  /** Makes the archive known by its hash. With `anew` it takes the place of one that is not what its name says. */
  async publish({ info, file }: Arrived, anew = false): Promise<void> {
    const { files } = this.#ports;
    if (file === null) return;
    const path = join(this.directory, narName(info.narHash));
    if (anew) await missingIsFine(files.remove(path));
    // Where it exists, another connection has brought the same bytes.
    await existingIsFine(files.link(join(this.directory, "incoming", file), path));
  }

  /** Keeps the archive for the member until it expires or a warrant names it. On the disk when it returns. */
  async keep(arrived: Arrived, member: string): Promise<void> {
    const { files } = this.#ports;
    const { info } = arrived;
    await this.publish(arrived);
    const path = join(this.directory, "claims", claimName(info, member));
    await files.writeAtomic(path, descriptionOf(info), { mode: 0o600 });
    await this.publish(arrived); // gone, if somebody else removed it before there was a claim
    await files.sync(this.directory);
    await this.forget(arrived);
  }

  /** Takes back what arrived, and the published archive with it unless somebody claims it or the caller still needs it. */
  async forget({ info, file }: Arrived, isNeeded = false): Promise<void> {
    if (file !== null) await missingIsFine(this.#ports.files.remove(join(this.directory, "incoming", file)));
    if (!isNeeded) await this.removeUnclaimed(info.narHash);
  }

  /** Takes back every claim on the path with this content: it is in the store now. */
  async release({ path, narHash }: Pick<PathInfo, "path" | "narHash">): Promise<void> {
    for (const claim of await this.claimsOf(path))
      if (narName(claim.narHash) === narName(narHash)) await this.drop(claim);
  }

  async drop(claim: Claim): Promise<void> {
    await missingIsFine(this.#ports.files.remove(join(this.directory, "claims", claim.name)));
    await this.removeUnclaimed(claim.narHash);
  }

  async claims(): Promise<Claim[]> {
    const names = await this.#ports.files.list(join(this.directory, "claims"));
    return names.flatMap((name) => parseClaimName(name) ?? []);
  }

  async claimsOf(path: StorePath): Promise<Claim[]> {
    const digest = digestOf(path);
    return (await this.claims()).filter((claim) => claim.digest === digest);
  }

  async held(member: string): Promise<Held> {
    return heldBy(member, await this.claims(), await this.#incoming());
  }

  /** What the claim says of its path; null when it has gone meanwhile. */
  async read(claim: Claim, storeDirectory: string): Promise<PathInfo | null> {
    const path = join(this.directory, "claims", claim.name);
    try {
      const text = utf8Text(await this.#ports.files.read(path, { limit: largestClaim, follow: false }), path);
      return { ...parseNarInfo(text, storeDirectory), registrationTime: null, ultimate: false };
    } catch (error) {
      if (error instanceof NixsealError && error.code === "not-found") return null;
      throw error;
    }
  }

  async #incoming(): Promise<Reservation[]> {
    const names = await this.#ports.files.list(join(this.directory, "incoming"));
    return names.flatMap((name) => parseIncomingName(name) ?? []);
  }

  /** Throws `io` when so many bytes more would leave too few on the disk. */
  async checkSpace(size: number): Promise<void> {
    const free = await this.#ports.files.freeSpace(this.directory);
    if (free - size >= this.#limits.reserve) return;
    throw new NixsealError("io", `no space left for ${size} bytes: ${free} are free on the host`, {
      hint: "nix-collect-garbage on the host makes room",
      where: { file: this.directory },
    });
  }

  /**
   * Removes the archive unless it is claimed. Moved aside first: of another process that claims it at this moment, either the claim
   * is seen here and the archive put back, or that one sees that it is gone and publishes its own (`keep`).
   */
  async removeUnclaimed(hash: Hash): Promise<void> {
    const { files, random, processes } = this.#ports;
    const name = narName(hash);
    const claimed = async () => (await this.claims()).some(({ narHash }) => narName(narHash) === name);
    if (await claimed()) return;
    const place = join(this.directory, name);
    const aside = join(
      this.directory,
      "incoming",
      incomingName(1, null, processes.pid, hex(random.bytes(8))),
    );
    try {
      await files.rename(place, aside);
    } catch (error) {
      if (error instanceof NixsealError && error.code === "not-found") return;
      throw error;
    }
    if (await claimed()) await existingIsFine(files.link(aside, place));
    await missingIsFine(files.remove(aside));
  }
}

/**
 * The claim's content. `limit` when it is larger than what counts for the entry (`heldBy`): content that really refers to so many paths
 * is longer than their names, and a hundred bytes with megabytes of invented references would be a way around every quota.
 */
function descriptionOf(info: PathInfo): Uint8Array {
  const text = utf8(formatNarInfo(info, narName(info.narHash)));
  const most = Math.min(largestClaim, Math.max(info.narSize, smallestEntry));
  if (text.length <= most) return text;
  throw new NixsealError(
    "limit",
    `what is said of ${info.path} has ${text.length} bytes, more than ${most}`,
    {
      hint: "its references and signatures are more than its content can need; have a warrant made that names it",
    },
  );
}

async function existingIsFine(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof NixsealError) || error.code !== "conflict") throw error;
  }
}

async function missingIsFine(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof NixsealError) || error.code !== "not-found") throw error;
  }
}
