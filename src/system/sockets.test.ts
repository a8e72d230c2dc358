import assert from "node:assert/strict";
import { createServer } from "node:net";
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

test("no socket, no listener, no path", async (context) => {
  const directory = temporaryDirectory(context);
  writeFileSync(join(directory, "file"), "");
  await assert.rejects(sockets.connect(join(directory, "none")), { code: "not-found" });
  await assert.rejects(sockets.connect(join(directory, "file")), { code: "io", message: /nobody listens/ });
});
