import { utf8Text } from "../../core/bytes.ts";
import { at, NixsealError } from "../../core/errors.ts";
import { decryptBytes } from "../age/decrypt.ts";
import type { Identity } from "../age/identity.ts";
import { parseIdentity, parseSshIdentity } from "../age/parse-identity.ts";
import type { OpenIdentities } from "./decrypt-stage.ts";
import type { IdentityFile } from "./identities.ts";

const mostIdentities = 256;

/**
 * The host's keys for the age engine: files as `ssh-keygen` and as `age-keygen` write them. A file that cannot be
 * read stops the run with its place: skipping it would turn a broken key into "no identity fits" later.
 */
export const openIdentities: OpenIdentities = async (files) => {
  const identities = files.flatMap((file) => {
    try {
      return identitiesOf(file);
    } catch (error) {
      throw at(error, { file: file.path });
    }
  });
  return (ciphertext) => decryptBytes(ciphertext, identities);
};

/** Nobody is there to be asked for a passphrase, so a key behind one is `refused` when it is needed. */
function identitiesOf({ path, content }: IdentityFile): Identity[] {
  const bytes = content.reveal();
  const text = utf8Text(bytes, "the identity file");
  if (text.startsWith("-----BEGIN ")) return [parseSshIdentity(bytes, path, {})];
  const lines = text.split("\n").map((line) => line.trim());
  const found: Identity[] = [];
  for (const [index, line] of lines.entries()) {
    if (line === "" || line.startsWith("#")) continue;
    if (found.length === mostIdentities)
      throw new NixsealError("limit", `identity file has more than ${mostIdentities} identities`);
    try {
      found.push(parseIdentity(line, {}));
    } catch (error) {
      throw at(error, { line: index + 1 });
    }
  }
  if (found.length === 0) throw new NixsealError("malformed", "identity file holds no identity");
  return found;
}
