import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { NixsealError } from "../core/errors.ts";
import type { Connection, Sockets } from "../core/ports.ts";
import { systemError } from "./errors.ts";

/** A full queue is waited for this often, and this long between: ten seconds. */
const tries = 200;
const pause = 50;

/** Unix sockets. */
export const sockets: Sockets = {
  connect: async (path) => {
    // connect(2) that blocks waits for a place in a queue that is full. Node's does not block, and fails.
    for (let n = 1; n < tries; n++) {
      const connection = await tryConnect(path);
      if (connection !== null) return connection;
      await sleep(pause);
    }
    throw new NixsealError("limit", "too many connections wait at the socket", {
      where: { file: path },
      hint: "try again; see on the host what connects: ss -xp",
    });
  },
};

/** Null when the socket's queue is full. */
function tryConnect(path: string): Promise<Connection | null> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path, allowHalfOpen: true });
    socket.once("error", (cause) => {
      if ("code" in cause && cause.code === "EAGAIN") resolve(null);
      else reject(connectError(cause, path));
    });
    socket.once("connect", () => resolve(connectionOf(socket, path)));
  });
}

function connectionOf(socket: Socket, path: string): Connection {
  socket.removeAllListeners("error").on("error", () => undefined); // told to whoever reads or writes next
  const pieces = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  return {
    read: async () => {
      try {
        const piece = await pieces.next();
        return piece.done === true ? null : piece.value;
      } catch (cause) {
        throw systemError(cause, path);
      }
    },
    write: (bytes) =>
      new Promise((resolve, reject) => {
        socket.write(bytes, (cause) => (cause ? reject(connectError(cause, path)) : resolve()));
      }),
    end: () => void socket.end(),
    close: () => void socket.destroy(),
  };
}

function connectError(cause: Error, path: string): unknown {
  const known = systemError(cause, path);
  if (known instanceof NixsealError && "code" in cause && cause.code === "ECONNREFUSED")
    return new NixsealError("io", "nobody listens on the socket", { where: { file: path }, cause });
  // Not a reader who has seen enough, as of a pipe: the same as ECONNRESET, which it is when the other side had something unread.
  if ("code" in cause && (cause.code === "EPIPE" || cause.code === "ERR_STREAM_DESTROYED"))
    return new NixsealError("io", "the other side ended the connection", {
      hint: "try again",
      where: { file: path },
      cause,
    });
  return known;
}
