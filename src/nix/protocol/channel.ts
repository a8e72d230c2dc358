import { NixsealError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports.ts";
import { defaultProtocolLimits, type ProtocolLimits } from "./limits.ts";
import { Patience } from "./patience.ts";
import type { BytePort } from "./port.ts";
import type { WireMessage } from "./wire-message.ts";
import { WireReader } from "./wire-reader.ts";

/** One connection: what comes in, what goes out, and the bounds on both. */
export class Channel {
  readonly limits: ProtocolLimits;
  readonly reader: WireReader;
  readonly #port: BytePort;
  readonly #patience: Patience;

  constructor(port: BytePort, clock: Pick<Clock, "sleep">, limits: Partial<ProtocolLimits> = {}) {
    this.limits = { ...defaultProtocolLimits, ...limits };
    this.#port = port;
    this.#patience = new Patience(clock, this.limits);
    this.reader = new WireReader({ next: () => this.#patience.wait(port.read()) });
  }

  send(message: WireMessage): Promise<void> {
    return this.sendBytes(message.bytes);
  }

  sendBytes(bytes: Uint8Array): Promise<void> {
    return this.#patience.wait(this.#port.write(bytes));
  }

  /**
   * To be called when a request was read and is about to be answered. Stock clients wait for each answer. One
   * that has sent more already is not one of them, and what it sent must not be taken for something that it
   * said in knowledge of the answer. (Bytes that are still on their way cannot be seen.)
   */
  expectNothingMore(): void {
    if (this.reader.waiting > 0)
      throw new NixsealError("malformed", "a second request came before the first was answered", {
        where: { offset: this.reader.offset },
      });
  }
}
