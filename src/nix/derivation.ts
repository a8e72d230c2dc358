import { contentAddressedPath, type ContentAddress, type ContentAddressMethod } from "./content-address.ts";
import { sha256, type HashAlgorithm } from "./hash.ts";
import { defaultStoreDirectory, type StorePath } from "./store-path.ts";

/** What one output of a derivation is, as far as it is known before it is built. */
export type DerivationOutput =
  | { readonly type: "input-addressed"; readonly path: StorePath }
  /** The content is known beforehand (`outputHash`). */
  | { readonly type: "fixed"; readonly path: StorePath; readonly address: ContentAddress }
  | { readonly type: "floating"; readonly method: ContentAddressMethod; readonly algorithm: HashAlgorithm }
  | { readonly type: "impure"; readonly method: ContentAddressMethod; readonly algorithm: HashAlgorithm }
  /** Input-addressed, by inputs whose own paths are not known yet. */
  | { readonly type: "deferred" };

/**
 * The outputs of another derivation that this one needs; `dynamic` those of derivations that these outputs
 * are.
 */
export interface InputOutputs {
  readonly outputs: readonly string[];
  readonly dynamic: ReadonlyMap<string, InputOutputs>;
}

/** A build step as Nix keeps it in a `.drv` file. All lists but `args` are sets in the order of their bytes. */
export interface Derivation {
  readonly outputs: ReadonlyMap<string, DerivationOutput>;
  readonly inputSources: readonly StorePath[];
  readonly inputDerivations: ReadonlyMap<StorePath, InputOutputs>;
  readonly system: string;
  readonly builder: string;
  readonly args: readonly string[];
  /** Structured attributes are the variable `__json` here, as in the file, whatever format they came from. */
  readonly env: ReadonlyMap<string, string>;
}

/** What is accepted from outside; the largest derivations of NixOS have a few megabytes. */
export const derivationLimits = { bytes: 64 << 20, dynamicDepth: 16 };

/** The path of the `.drv` file itself, which names its content: whoever has the path can check the file. */
export function derivationPath(
  name: string,
  file: Uint8Array,
  { inputSources, inputDerivations }: Pick<Derivation, "inputSources" | "inputDerivations">,
  storeDirectory: string = defaultStoreDirectory,
): StorePath {
  const others = [...inputSources, ...inputDerivations.keys()];
  return contentAddressedPath(
    `${name}.drv`,
    { method: "text", hash: sha256(file) },
    { others, self: false },
    storeDirectory,
  );
}
