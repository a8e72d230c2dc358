import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../test/support/temporary.ts";
import { utf8 } from "../core/bytes.ts";
import { sockets } from "./sockets.ts";

test("both directions of a unix socket, each with an end of its own", async (context) => {
  const path = join(temporaryDirectory(context), "socket");
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const heard: Buffer[] = [];
    socket.on("data", (bytes: Buffer) => heard.push(bytes));
    socket.on("end", () => socket.end(`heard ${Buffer.concat(heard).toString()}`));
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  context.after(() => server.close());
  const connection = await sockets.connect(path);
  await connection.write(utf8("one "));
  await connection.write(utf8("two"));
  connection.end();
  assert.equal(Buffer.from((await connection.read()) ?? "").toString(), "heard one two");
  assert.equal(await connection.read(), null);
  connection.close();
});

test("writing to a side that has gone says so", async (context) => {
  const path = join(temporaryDirectory(context), "socket");
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  context.after(() => server.close());
  for (const reads of [false, true]) {
    const [connection, [accepted]] = await Promise.all([sockets.connect(path), once(server, "connection")]);
    (accepted as Socket).destroy();
    await once(accepted as Socket, "close");
    if (reads) assert.equal(await connection.read(), null);
    await assert.rejects(connection.write(utf8("one")), {
      code: "io",
      message: "the other side ended the connection",
    });
    connection.close();
  }
});

test("a full queue is waited for", async (context) => {
  const path = join(temporaryDirectory(context), "socket");
  // Its listener says that it is there and then accepts nothing, until it is told to.
  const script = `const server = require("node:net").createServer();
    server.listen({ path: process.argv[1], backlog: 1 }, () => {
      process.stdout.write("listening");
      require("node:fs").readSync(0, Buffer.alloc(1));
    });`;
  const listener = spawn(process.execPath, ["--eval", script, path], { stdio: ["pipe", "pipe", "inherit"] });
  context.after(() => listener.kill("SIGKILL"));
  await once(listener.stdout, "data");
  const open = async (): Promise<void> => (await sockets.connect(path)).close();
  await Promise.all([open(), open()]);
  const third = connect(path);
  const [error] = (await once(third, "error").catch((cause: unknown) => [cause])) as [NodeJS.ErrnoException];
  assert.equal(error.code, "EAGAIN");
  const waiting = open();
  listener.stdin.write("go");
  await waiting;
});

test("no socket, no listener, no path", async (context) => {
  const directory = temporaryDirectory(context);
  writeFileSync(join(directory, "file"), "");
  await assert.rejects(sockets.connect(join(directory, "none")), { code: "not-found" });
  await assert.rejects(sockets.connect(join(directory, "file")), { code: "io", message: /nobody listens/ });
});
