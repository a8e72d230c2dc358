/** Memory for the orders of a whole fleet: its hosts have most of their paths in common. */
import { formatContentAddress } from "../../nix/content-address.ts";
import type { StorePath } from "../../nix/store-path.ts";
import { sameBytes } from "../../core/bytes.ts";
import type { ClosurePath } from "./closure.ts";
import type { WarrantEnvelope } from "./envelope.ts";
import { encodeWarrant } from "./warrant.ts";

/**
 * Of paths that say the same in several warrants one is kept. The signed bytes, which spell every path many times over, are not kept
 * at all: a warrant has one spelling, which `parseWarrant` insists on, so they follow from what it says. What is held by one of the
 * envelopes here costs some kilobytes for each host, in place of megabytes.
 */
export class SharedPaths {
  readonly #known = new Map<StorePath, ClosurePath>();

  of(envelope: WarrantEnvelope): WarrantEnvelope {
    const { digest, signatures } = envelope;
    const warrant = {
      ...envelope.warrant,
      paths: envelope.warrant.paths.map((one) => this.#shared(one)),
    };
    return {
      warrant,
      digest,
      signatures,
      get payload() {
        return encodeWarrant(warrant);
      },
    };
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
