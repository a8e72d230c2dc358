import { NixsealError } from "../../../core/errors.ts";
import type { Recipient } from "../recipient.ts";
import type { Stanza } from "../stanza.ts";
import { PluginConnection, programOf } from "./connection.ts";
import type { PluginHost } from "./host.ts";
import { answerRequests } from "./requests.ts";

/** `age1NAME1…`, or an identity `AGE-PLUGIN-NAME-1…` that is encrypted to: the work is the plugin's. */
export class PluginRecipient implements Recipient {
  readonly #name: string;
  readonly #add: "add-recipient" | "add-identity";
  readonly #encoding: string;
  readonly #host: PluginHost;
  #labels: readonly string[] = [];

  constructor(name: string, add: "add-recipient" | "add-identity", encoding: string, host: PluginHost) {
    programOf(name);
    this.#name = name;
    this.#add = add;
    this.#encoding = encoding;
    this.#host = host;
  }

  get labels(): readonly string[] {
    return this.#labels;
  }

  /** The state machine recipient-v1 with one recipient and one file key. */
  async wrapFileKey(fileKey: Uint8Array): Promise<Stanza[]> {
    const connection = new PluginConnection(this.#name, "recipient-v1", this.#host);
    try {
      await connection.send(this.#add, [this.#encoding]);
      await connection.send("wrap-file-key", [], fileKey);
      await connection.send("extension-labels");
      await connection.send("done");
      return await this.#collect(connection);
    } finally {
      connection.close();
    }
  }

  async #collect(connection: PluginConnection): Promise<Stanza[]> {
    const stanzas: Stanza[] = [];
    let labels: readonly string[] | undefined;
    await answerRequests(this.#name, connection, this.#host.ui, ({ args, body }) => {
      if (args[0] === "recipient-stanza") {
        if (args[1] !== "0" || args.length < 3) throw this.#broken("made a stanza for no file");
        stanzas.push({ args: args.slice(2), body });
        return true;
      }
      if (args[0] !== "labels") return false;
      if (labels !== undefined) throw this.#broken("sent its labels twice");
      labels = args.slice(1);
      return true;
    });
    if (stanzas.length === 0) throw this.#broken("made no stanza");
    this.#labels = labels ?? [];
    return stanzas;
  }

  #broken(fault: string): NixsealError {
    return new NixsealError("malformed", `age-plugin-${this.#name} ${fault}`);
  }
}
