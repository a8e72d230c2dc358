import { decryptBytes } from "../age/decrypt.ts";
import { parseIdentityFile } from "../age/identity-file.ts";
import type { OpenIdentities } from "./decrypt-stage.ts";

/**
 * The host's keys for the age engine. A file that cannot be read stops the run with its place: skipping it would turn
 * a broken key into "no identity fits" later. Nobody is there to be asked for a passphrase and no plugin is started, so
 * a key that needs one is `refused` when it is needed.
 */
export const openIdentities: OpenIdentities = async (files) => {
  const identities = files.flatMap(({ path, content }) => parseIdentityFile(content.reveal(), path, {}));
  return (ciphertext) => decryptBytes(ciphertext, identities);
};
