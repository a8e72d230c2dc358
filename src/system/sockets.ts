import { connect, type Socket } from "node:net";
import { NixsealError } from "../core/errors.ts";
import type { Connection, Sockets } from "../core/ports.ts";
import { systemError } from "./errors.ts";

/** Unix sockets. */
export const sockets: Sockets = {
  connect: (path) =>
    new Promise((resolve, reject) => {
      const socket = connect({ path, allowHalfOpen: true });
      socket.once("error", (cause) => reject(connectError(cause, path)));
      socket.once("connect", () => resolve(connectionOf(socket, path)));
    }),
};

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
  return known;
}
