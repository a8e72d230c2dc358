/** A conversation with a plugin (C2SP age-plugin): stanzas over stdin and stdout. */
import { utf8 } from "../../../core/bytes.ts";
import { NixsealError } from "../../../core/errors.ts";
import type { Conversation } from "../../../core/ports.ts";
import type { PluginHost } from "./host.ts";
import { encodeStanza, StanzaReader, type Stanza } from "../stanza.ts";

const defaultPatience = 180_000;
/** Bytes that a plugin may send in one conversation, and in one line. */
const most = 16 << 20;
const longestLine = 16 << 10;

export type StateMachine = "recipient-v1" | "identity-v1";

export class PluginConnection {
  readonly #plugin: string;
  readonly #child: Conversation;
  readonly #stanzas = new StanzaReader();
  #pending = "";
  #received = 0;
  #line = 0;

  constructor(plugin: string, machine: StateMachine, { processes, patience = defaultPatience }: PluginHost) {
    this.#plugin = plugin;
    this.#child = processes.converse({
      program: programOf(plugin),
      args: [`--age-plugin=${machine}`],
      cwd: "/", // no plugin shall depend on where its client was started
      timeout: patience,
    });
  }

  async send(type: string, args: readonly string[] = [], body: Uint8Array = new Uint8Array()): Promise<void> {
    try {
      await this.#child.write(utf8(encodeStanza({ args: [type, ...args], body })));
    } catch {
      for (;;) await this.#read(); // it is gone: what it said last, or why it never started, is the better error
    }
  }

  /** The next stanza. `tool` when the plugin ends instead, `malformed` or `limit` for what is no stanza. */
  async receive(): Promise<Stanza> {
    for (;;) {
      const end = this.#pending.indexOf("\n");
      if (end === -1) {
        await this.#read();
        continue;
      }
      const line = this.#pending.slice(0, end);
      this.#pending = this.#pending.slice(end + 1);
      const stanza = this.#parse(line);
      if (stanza !== null) return stanza;
    }
  }

  #parse(line: string): Stanza | null {
    try {
      return this.#stanzas.push(line, ++this.#line);
    } catch (cause) {
      throw this.#broken("sent something that is no stanza", cause);
    }
  }

  async #read(): Promise<void> {
    const bytes = await this.#child.read();
    if (bytes === null) {
      const { code, stderr } = await this.#child.end();
      const said = stderr.trim().split("\n").at(-1)?.slice(0, 300);
      throw new NixsealError("tool", `${programOf(this.#plugin)} ended early (exit code ${code})`, {
        hint: said === undefined || said === "" ? undefined : `it says: ${said}`,
      });
    }
    this.#received += bytes.length;
    this.#pending += Buffer.from(bytes).toString("latin1");
    if (this.#received > most || (this.#pending.length > longestLine && !this.#pending.includes("\n")))
      throw new NixsealError("limit", `${programOf(this.#plugin)} sent too much`);
  }

  #broken(fault: string, cause: unknown): NixsealError {
    return new NixsealError("malformed", `${programOf(this.#plugin)} ${fault}`, { cause });
  }

  /** After `done` nothing is said any more. A plugin that does not end by itself is not waited for. */
  close(): void {
    this.#child.kill();
  }
}

/** The name is looked up on PATH: one with a slash would be a program of the file's author's choice. */
export function programOf(plugin: string): string {
  if (!/^[a-z0-9+._-]{1,64}$/.test(plugin))
    throw new NixsealError("refused", "the name of the plugin is not made of a-z, 0-9, +, -, . and _");
  return `age-plugin-${plugin}`;
}
