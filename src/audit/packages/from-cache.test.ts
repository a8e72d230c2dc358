/** Caches that lie: whatever they answer, the crawl ends, with an answer or an error. */
import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { NixsealError } from "../../core/errors.ts";
import { utf8 } from "../../core/bytes.ts";
import { http } from "../../system/http.ts";
import { cacheLimits, crawlCache, httpCache } from "./from-cache.ts";
import { rootPath } from "./read.ts";

const digest = (number: number): string => number.toString(8).padStart(32, "0");
const base = (number: number): string => `${digest(number)}-p-${number}`;
const path = (number: number) => rootPath(`/nix/store/${base(number)}`);
const narInfo = (number: number, references: readonly number[] = []): string =>
  `StorePath: ${path(number)}\nURL: nar/x\nNarHash: sha256:${"0".repeat(52)}\nNarSize: 1\nReferences: ${references.map(base).join(" ")}\n`;
const numberOf = (text: string): number => parseInt(text, 8);

test("circles, self-references and repeats are walked once", async () => {
  const asked: number[] = [];
  const references = [
    [1, 2],
    [0, 1],
    [2, 0, 1],
  ];
  const { paths, missing } = await crawlCache(
    (text) => {
      asked.push(numberOf(text));
      return Promise.resolve(utf8(narInfo(numberOf(text), references[numberOf(text)])));
    },
    [path(0), path(0)],
  );
  assert.deepEqual([paths.length, missing, asked.sort((a, b) => a - b)], [3, [], [0, 1, 2]]);
});

test("a cache without an end is a limit, of paths or of bytes", { timeout: 60_000 }, async () => {
  let made = 0;
  const endless = (text: string): Promise<Uint8Array> =>
    Promise.resolve(
      utf8(
        narInfo(
          numberOf(text),
          Array.from({ length: 400 }, () => ++made),
        ),
      ),
    );
  await assert.rejects(crawlCache(endless, [path(0)]), { code: "limit" });
  assert.ok(made < cacheLimits.paths * 2);
  const fat = (text: string): Promise<Uint8Array> =>
    Promise.resolve(utf8(`${narInfo(numberOf(text), [numberOf(text) + 1])}X: ${"x".repeat(900_000)}\n`));
  await assert.rejects(crawlCache(fat, [path(0)]), { code: "limit" });
});

test("damaged narinfo is malformed and names its file", async () => {
  const good = narInfo(0, [1]);
  for (const bad of [
    "",
    "x",
    good.replace("StorePath", "Store"),
    good.replace(base(0), base(7)),
    `${good}${good}`,
    good.replace(base(1), "../etc"),
    "\u0000".repeat(100),
  ])
    await assert.rejects(
      crawlCache(() => Promise.resolve(utf8(bad)), [path(0)]),
      (error: NixsealError) => error.code === "malformed" && error.where?.file === `${digest(0)}.narinfo`,
      bad.slice(0, 40),
    );
  await fc.assert(
    fc.asyncProperty(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 }), async (place, byte) => {
      const bytes = utf8(good);
      bytes[place] = byte;
      try {
        await crawlCache((text) => Promise.resolve(text === digest(0) ? bytes : null), [path(0)]);
      } catch (error) {
        assert.ok(error instanceof NixsealError, String(error));
      }
    }),
    { numRuns: 300 },
  );
});

async function served(
  context: TestContext,
  listener: RequestListener,
): Promise<ReturnType<typeof httpCache>> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return httpCache(http, `http://127.0.0.1:${(server.address() as AddressInfo).port}/cache`);
}

test(
  "over HTTP: bodies without an end, bombs, redirects elsewhere, broken answers",
  { timeout: 60_000 },
  async (context) => {
    const answers: readonly (readonly [RequestListener, string])[] = [
      [
        (_, response) => {
          const pour = (): void => {
            while (response.write(Buffer.alloc(1 << 16)));
            response.once("drain", pour);
          };
          response.on("error", () => undefined);
          pour();
        },
        "limit",
      ],
      [(_, response) => response.writeHead(200, { "content-length": String(2 ** 40) }).write("x"), "limit"],
      [
        // Nobody asked for a compressed answer; it is taken as it is, and is no narinfo.
        (_, response) =>
          response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(Buffer.alloc(100 << 20))),
        "malformed",
      ],
      [(_, response) => response.writeHead(302, { location: "file:///etc/passwd" }).end(), "usage refused"],
      [(_, response) => response.writeHead(302, { location: "/again" }).end(), "io"],
      [(_, response) => response.writeHead(500).end(), "io"],
      [(request) => request.socket.end("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"), "io"],
      [(_, response) => response.writeHead(404).end("not here"), "not-found"],
    ];
    for (const [listener, codes] of answers) {
      const cache = await served(context, listener);
      await assert.rejects(crawlCache(cache, [path(0)]), (error: NixsealError) => {
        assert.ok(
          error instanceof NixsealError && codes.split(" ").includes(error.code),
          `${error.code}: ${error.message}`,
        );
        return true;
      });
    }
  },
);

test("never more questions at once than are allowed", async () => {
  let [now, most] = [0, 0];
  const cache = async (text: string): Promise<Uint8Array> => {
    most = Math.max(most, ++now);
    await new Promise((resolve) => setImmediate(resolve));
    now--;
    const number = numberOf(text);
    return utf8(narInfo(number, number === 0 ? Array.from({ length: 500 }, (_, index) => index + 1) : []));
  };
  const { paths } = await crawlCache(cache, [path(0)]);
  assert.equal(paths.length, 501);
  assert.equal(most, cacheLimits.atOnce);
});
