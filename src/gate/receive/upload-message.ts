import { formatNarInfo } from "../../nix/narinfo-text.ts";
import type { PathInfo } from "../../nix/path-info.ts";
import type { UploadMessage } from "../store-message.ts";
import { narName } from "../quarantine/names.ts";
import type { Uploader } from "./uploader.ts";

/** What the root side is told of an upload of stage 0. */
export function uploadMessage(info: PathInfo, { certificate }: Pick<Uploader, "certificate">): UploadMessage {
  return { kind: "upload", certificate, info: formatNarInfo(info, narName(info.narHash)) };
}
