import { Socket, type ConnectOpts, type SocketConstructorOpts } from "node:net";

/** As much as a Unix socket's buffer holds. */
const pieceSize = 256 << 10;

/**
 * What comes through a pipe or socket, in one piece of memory: each is the caller's only until the next one is asked for. A stream of
 * Node's takes new memory for every 64 KiB, which costs more than reading them. To be iterated once, one question at a time.
 */
export class PipePieces implements AsyncIterableIterator<Uint8Array> {
  readonly #socket: Socket;
  #piece: Uint8Array | null = null;
  #ended = false;
  #failure: Error | null = null;
  #wake: () => void = () => undefined;

  /** `told` makes of what went wrong what is thrown. */
  constructor(descriptor: number, told: (cause: Error) => Error) {
    const memory = Buffer.allocUnsafeSlow(pieceSize);
    const options: SocketConstructorOpts & ConnectOpts = {
      fd: descriptor,
      readable: true,
      writable: false,
      onread: {
        buffer: memory,
        callback: (length) => {
          this.#piece = memory.subarray(0, length);
          this.#wake();
          return false; // nothing more is read into the same memory before it is asked for
        },
      },
    };
    this.#socket = new Socket(options);
    this.#socket.on("error", (cause) => (this.#failure = told(cause)));
    for (const event of ["end", "close"])
      this.#socket.on(event, () => {
        this.#ended = true;
        this.#wake();
      });
    this.#socket.resume();
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    if (this.#piece === null && !this.#ended)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        this.#socket.resume();
      });
    const value = this.#piece;
    this.#piece = null;
    if (value !== null) return { done: false, value };
    if (this.#failure !== null) throw this.#failure;
    return { done: true, value: undefined };
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    this.#socket.destroy();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
