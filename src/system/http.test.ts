import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { downloads, http } from "./http.ts";

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
  // A large file may take hours; a server that says nothing at all may not.
  const patient = downloads.stream(`${base}/silent`, { ...limits, timeout: 60_000, silence: 200 });
  await assert.rejects(patient[Symbol.asyncIterator]().next(), { code: "timeout" });
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

test("a tag of the server's saves the body; what is no tag is forgotten", async (context) => {
  const asked: (string | undefined)[] = [];
  const base = await serve(context, (request, response) => {
    asked.push(request.headers["if-none-match"]);
    if (request.headers["if-none-match"] === '"1"') response.writeHead(304).end();
    else response.writeHead(200, { etag: request.url === "/odd" ? "not a tag" : '"1"' }).end("body");
  });
  const first = await downloads.getChanged(`${base}/`, { ...limits, tag: null });
  assert.deepEqual([Buffer.from(first!.bytes).toString(), first!.tag], ["body", '"1"']);
  assert.equal(await downloads.getChanged(`${base}/`, { ...limits, tag: '"1"' }), null);
  assert.equal((await downloads.getChanged(`${base}/odd`, { ...limits, tag: null }))!.tag, null);
  assert.deepEqual(asked, [undefined, '"1"', undefined]);
});

test("a stream has its limit, and an end that comes too early is no end", async (context) => {
  const base = await serve(context, (request, response) => {
    if (request.url === "/304") response.writeHead(304).end();
    else if (request.url === "/cut") {
      response.writeHead(200, { "content-length": 90 }).write("x".repeat(50));
      setTimeout(() => response.destroy(), 20);
    } else response.end("x".repeat(request.url === "/ok" ? 100 : 101));
  });
  const read = async (path: string): Promise<number> => {
    let size = 0;
    for await (const piece of downloads.stream(base + path, limits)) size += piece.length;
    return size;
  };
  assert.equal(await read("/ok"), 100);
  await assert.rejects(read("/long"), { code: "limit" });
  await assert.rejects(read("/cut"), { code: "io" });
  await assert.rejects(read("/304"), { code: "io" }, "nobody asked for that");
});
