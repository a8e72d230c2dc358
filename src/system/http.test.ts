import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { http } from "./http.ts";

async function serve(context: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const limits = { limit: 100, timeout: 10_000 };

test("a body within the limit; one byte more, declared or not, is too much", async (context) => {
  const base = await serve(context, (request, response) => {
    if (request.url === "/declared") response.setHeader("content-length", "101");
    response.end("x".repeat(request.url === "/ok" ? 100 : 101));
  });
  assert.equal((await http.get(`${base}/ok`, limits)).length, 100);
  for (const path of ["/declared", "/chunked"])
    await assert.rejects(http.get(base + path, limits), { code: "limit" });
});

test("an endless body is cut off", async (context) => {
  const base = await serve(context, (_request, response) => {
    const more = (): void => {
      if (!response.destroyed) response.write("x".repeat(1000), more);
    };
    more();
  });
  await assert.rejects(http.get(base, limits), { code: "limit" });
});

test("answers: missing, failed, silent, nobody there", async (context) => {
  const base = await serve(context, (request, response) => {
    if (request.url === "/silent") return;
    response.statusCode = Number(request.url!.slice(1));
    response.end();
  });
  await assert.rejects(http.get(`${base}/404`, limits), { code: "not-found" });
  await assert.rejects(http.get(`${base}/500`, limits), { code: "io", message: /answer 500/ });
  await assert.rejects(http.get(`${base}/206`, limits), { code: "io" });
  await assert.rejects(http.get(`${base}/silent`, { ...limits, timeout: 200 }), { code: "timeout" });
  await assert.rejects(http.get("http://127.0.0.1:1/", limits), { code: "io" });
});

test("redirects: a few, to the same scheme only", async (context) => {
  const base = await serve(context, (request, response) => {
    const to: Readonly<Record<string, string>> = {
      "/a": "/b",
      "/loop": "/loop",
      "/file": "file:///etc/passwd",
      "/tls": "https://127.0.0.1/",
    };
    const location = to[request.url!];
    if (location === undefined) response.end("there");
    else response.writeHead(302, { location }).end();
  });
  assert.equal(Buffer.from(await http.get(`${base}/a`, limits)).toString(), "there");
  await assert.rejects(http.get(`${base}/loop`, limits), { code: "io", message: /redirects/ });
  for (const path of ["/file", "/tls"])
    await assert.rejects(http.get(base + path, limits), { code: "refused" });
  for (const url of ["ftp://x/", "file:///etc/passwd", "x", "http://user:secret@127.0.0.1/"])
    await assert.rejects(http.get(url, limits), { code: "usage" });
});
