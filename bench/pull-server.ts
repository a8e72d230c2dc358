/** A static server with ETags for the benchmark of pulling: prints its address, and on each line of stdin what it has served since the last. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join, normalize } from "node:path";

const directory = process.argv[2]!;
let counted = { requests: 0, bytes: 0 };
const server = createServer((request, response) => {
  counted.requests++;
  let body: Buffer;
  try {
    body = readFileSync(join(directory, normalize(request.url ?? "/")));
  } catch {
    response.writeHead(404).end();
    return;
  }
  const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
  if (request.headers["if-none-match"] === etag) response.writeHead(304, { etag }).end();
  else response.writeHead(200, { etag, "content-length": body.length }).end(body);
});
server.on("connection", (socket) =>
  socket.on("close", () => (counted.bytes += socket.bytesRead + socket.bytesWritten)),
);
server.listen(0, "127.0.0.1", 4096, () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
process.stdin.on("data", () => {
  console.log(JSON.stringify({ ...counted, rss: process.memoryUsage.rss() }));
  counted = { requests: 0, bytes: 0 };
});
process.stdin.on("end", () => process.exit());
