/** What waits for the root side. */
import { NixsealError } from "../../core/errors.ts";
import type { PathInfo } from "../../nix/path-info.ts";
import type { StorePath } from "../../nix/store-path.ts";
import type { Arrived } from "../quarantine/quarantine.ts";
import type { ImportMessage, UploadMessage, WitnessMessage } from "../store-message.ts";
import type { AnswerLine } from "./root-side.ts";

export type ImportOrder = ImportMessage | UploadMessage;

/** A path that has come in whole, on its way into the store. */
export interface ImportJob {
  readonly kind: "import";
  readonly info: PathInfo;
  readonly arrived: Arrived;
  readonly order: ImportOrder;
  /** The archive, when it goes with the message; else it lies in the quarantine. */
  readonly enclosed: Uint8Array | null;
  /** Whether its archive was put into the place of another with its name. */
  anew: boolean;
}

/** A path that is in the store already, for the ledger. */
export interface WitnessJob {
  readonly kind: "witness";
  readonly info: PathInfo;
  readonly order: WitnessMessage;
  /** Told why the ledger does not have it. */
  readonly failed: (path: StorePath, why: NixsealError) => void;
}

export type Job = ImportJob | WitnessJob;

export function isAboutArchive({ fields }: AnswerLine): boolean {
  const code = fields.get("code").value;
  return fields.get("ok").value === false && (code === "not-found" || code === "malformed");
}

export function notImported({ path }: PathInfo, error: unknown): NixsealError {
  if (!(error instanceof NixsealError)) throw error;
  return new NixsealError(error.code, `${path} was received and not imported: ${error.message}`, {
    hint: error.hint,
    where: error.where,
    cause: error,
  });
}
