/** What a store's database says of one path, and which of it is proved. */
import { utf8Text } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Processes } from "../../core/ports.ts";
import { fingerprint } from "../../nix/fingerprint.ts";
import { typedNix32 } from "../../nix/hash.ts";
import { parsePathInfos } from "../../nix/path-info.ts";
import { verifySignature, type PublicKey } from "../../nix/signing-key.ts";
import { storeDirectoryOf, type StorePath } from "../../nix/store-path.ts";
import { formatTime } from "../../trust/root/root.ts";
import type { LocalStore } from "../../trust/warrant/local-store.ts";

export type StoreOpinion =
  | {
      readonly kind: "valid";
      readonly narHash: string;
      readonly registered: string | null;
      /** Names of the upstream keys whose signature over the database's tuple holds. */
      readonly upstream: readonly string[];
      /** Claims. */
      readonly ultimate: boolean;
      readonly deriver: StorePath | null;
    }
  | { readonly kind: "missing" }
  | { readonly kind: "unknown"; readonly reason: string };

export async function storeOpinion(
  { processes }: { readonly processes: Pick<Processes, "run"> },
  { store, environment }: LocalStore,
  path: StorePath,
  upstream: readonly PublicKey[],
): Promise<StoreOpinion> {
  try {
    const { code, stdout, stderr } = await processes.run({
      program: "nix",
      args: [
        "--extra-experimental-features",
        "nix-command",
        "path-info",
        "--json",
        "--offline",
        ...(store === null ? [] : ["--store", store]),
        "--",
        path,
      ],
      env: environment,
    });
    if (code !== 0) {
      const said = stderr.trim().split("\n").at(-1) ?? "";
      return /is not valid|does not exist|not known/.test(said)
        ? { kind: "missing" }
        : { kind: "unknown", reason: said };
    }
    const infos = parsePathInfos(utf8Text(stdout, "the output of nix path-info"), storeDirectoryOf(path));
    const info = infos.find((one) => one.path === path);
    if (info === undefined) return { kind: "missing" };
    const signed = fingerprint(info);
    return {
      kind: "valid",
      narHash: typedNix32(info.narHash),
      registered: info.registrationTime === null ? null : formatTime(new Date(info.registrationTime * 1000)),
      upstream: info.signatures
        .filter((signature) => verifySignature(signed, signature, upstream))
        .map(({ name }) => name),
      ultimate: info.ultimate,
      deriver: info.deriver,
    };
  } catch (error) {
    if (!(error instanceof NixsealError) || error.code === "bug") throw error;
    return { kind: "unknown", reason: error.message };
  }
}
