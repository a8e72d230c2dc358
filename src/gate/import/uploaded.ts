import { NixsealError } from "../../core/errors.ts";
import { parseNarInfo } from "../../nix/narinfo.ts";
import type { PathInfo } from "../../nix/path-info.ts";
import type { UploadMessage } from "../store-message.ts";

/** What an upload of stage 0 says of its path: nothing of it is signed. */
export function uploadedInfo(
  { info: text }: Pick<UploadMessage, "info">,
  storeDirectory: string,
): Omit<PathInfo, "registrationTime" | "ultimate"> {
  const { path, narHash, narSize, references, deriver, signatures, contentAddress } = parseNarInfo(
    text,
    storeDirectory,
  );
  if (contentAddress !== null)
    throw new NixsealError("refused", `${path} has a content address: it needs nobody's word`, {
      hint: "it goes to the store as it is",
    });
  return { path, narHash, narSize, references, deriver, signatures, contentAddress };
}
