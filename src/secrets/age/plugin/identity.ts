import { NixsealError } from "../../../core/errors.ts";
import type { KeyIdentity } from "../identity.ts";
import type { Recipient } from "../recipient.ts";
import type { Stanza } from "../stanza.ts";
import { PluginConnection, programOf } from "./connection.ts";
import type { PluginHost } from "./host.ts";
import { PluginRecipient } from "./recipient.ts";
import { answerRequests } from "./requests.ts";

/** `AGE-PLUGIN-NAME-1…`: the plugin looks whether one of the stanzas is its own. */
export class PluginIdentity implements KeyIdentity {
  readonly #name: string;
  readonly #encoding: string;
  readonly #host: PluginHost;

  constructor(name: string, encoding: string, host: PluginHost) {
    programOf(name);
    this.#name = name;
    this.#encoding = encoding;
    this.#host = host;
  }

  recipients(): Recipient[] {
    return [new PluginRecipient(this.#name, "add-identity", this.#encoding, this.#host)];
  }

  /** The state machine identity-v1 with one identity and one file. */
  async unwrapFileKey(stanzas: Stanza[]): Promise<Uint8Array | null> {
    const connection = new PluginConnection(this.#name, "identity-v1", this.#host);
    try {
      await connection.send("add-identity", [this.#encoding]);
      for (const { args, body } of stanzas) await connection.send("recipient-stanza", ["0", ...args], body);
      await connection.send("done");
      return await this.#collect(connection);
    } finally {
      connection.close();
    }
  }

  async #collect(connection: PluginConnection): Promise<Uint8Array | null> {
    const fileKeys: Uint8Array[] = [];
    await answerRequests(this.#name, connection, this.#host.ui, ({ args, body }) => {
      if (args[0] !== "file-key") return false;
      if (args[1] !== "0" || args.length !== 2 || fileKeys.length > 0)
        throw new NixsealError("malformed", `age-plugin-${this.#name} gave a file key for no file`);
      fileKeys.push(body);
      return true;
    });
    return fileKeys[0] ?? null;
  }
}
