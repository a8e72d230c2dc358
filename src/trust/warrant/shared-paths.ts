/** Memory for the orders of a whole fleet: its hosts have most of their paths in common. */
import { formatContentAddress } from "../../nix/content-address.ts";
import type { StorePath } from "../../nix/store-path.ts";
import { sameBytes } from "../../core/bytes.ts";
import type { ClosurePath } from "./closure.ts";
import type { WarrantEnvelope } from "./envelope.ts";

/** Of paths that say the same in several warrants one is kept. Nothing that a warrant says is changed by it. */
export class SharedPaths {
  readonly #known = new Map<StorePath, ClosurePath>();

  of(envelope: WarrantEnvelope): WarrantEnvelope {
    const { warrant } = envelope;
    return { ...envelope, warrant: { ...warrant, paths: warrant.paths.map((one) => this.#shared(one)) } };
  }

  #shared(path: ClosurePath): ClosurePath {
    const known = this.#known.get(path.path);
    if (known !== undefined && saysTheSame(known, path)) return known;
    const references = path.references.map((one) => this.#known.get(one)?.path ?? one);
    const kept = { ...path, references };
    this.#known.set(path.path, kept);
    return kept;
  }
}

function saysTheSame(a: ClosurePath, b: ClosurePath): boolean {
  return (
    a.narSize === b.narSize &&
    a.narHash.algorithm === b.narHash.algorithm &&
    sameBytes(a.narHash.digest, b.narHash.digest) &&
    a.references.length === b.references.length &&
    a.references.every((one, index) => one === b.references[index]) &&
    addressOf(a) === addressOf(b)
  );
}

function addressOf({ contentAddress }: ClosurePath): string | null {
  return contentAddress === null ? null : formatContentAddress(contentAddress);
}
