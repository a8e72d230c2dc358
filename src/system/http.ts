import type { IncomingMessage, OutgoingHttpHeaders } from "node:http";
import { NixsealError } from "../core/errors.ts";
import type { Downloads, Http, HttpLimits, Uploads } from "../core/http-ports.ts";

const mostRedirects = 5;
const longestTag = 256;
/** Milliseconds. */
const longestSilence = 120_000;

/** The modules for HTTP are loaded by the first request: most runs make none. */
export const http: Http = {
  async get(url, limits) {
    const abort = AbortSignal.timeout(limits.timeout);
    const { answer, at } = await follow(url, abort, {});
    return guarded(at, abort, () => whole(answer, at, limits));
  },
};

export const downloads: Downloads = {
  async getChanged(url, { tag, ...limits }) {
    const abort = AbortSignal.timeout(limits.timeout);
    const { answer, at } = await follow(url, abort, tag === null ? {} : { "if-none-match": tag });
    if (answer.statusCode === 304) {
      answer.destroy();
      return null;
    }
    const { etag = null } = answer.headers;
    const usable = etag !== null && etag.length <= longestTag && /^(?:W\/)?"[\x21\x23-\x7e]*"$/.test(etag);
    return { bytes: await guarded(at, abort, () => whole(answer, at, limits)), tag: usable ? etag : null };
  },

  async *stream(url, { silence = longestSilence, ...limits }) {
    const abort = AbortSignal.timeout(limits.timeout);
    const { answer, at } = await follow(url, abort, {}, silence);
    answer.setTimeout(silence, () =>
      answer.destroy(new NixsealError("timeout", `${at.href} sends nothing more`)),
    );
    const pieces = body(answer, at, limits);
    try {
      for (;;) {
        const { done, value } = await guarded(at, abort, () => pieces.next());
        if (done === true) return;
        yield value;
      }
    } finally {
      answer.destroy();
    }
  },
};

export const uploads: Uploads = {
  async put(url, bytes, limits) {
    const at = addressOf(url, null);
    const abort = AbortSignal.timeout(limits.timeout);
    const headers = { "content-type": "application/json", "content-length": bytes.length };
    const answer = await guarded(at, abort, () => request(at, abort, headers, longestSilence, bytes));
    const { statusCode: status = 0 } = answer;
    if (status < 200 || status > 299) {
      answer.destroy();
      throw new NixsealError("io", `${at.href}: answer ${status}`);
    }
    await guarded(at, abort, () => whole(answer, at, limits));
  },
};

/** An answer 200, or 304 where `headers` ask for it. */
async function follow(
  url: string,
  abort: AbortSignal,
  headers: OutgoingHttpHeaders,
  silence = longestSilence,
): Promise<{ readonly answer: IncomingMessage; readonly at: URL }> {
  let at = addressOf(url, null);
  for (let hops = 0; hops <= mostRedirects; hops++) {
    const answer = await guarded(at, abort, () => request(at, abort, headers, silence));
    const { statusCode: status = 0 } = answer;
    const location = answer.headers.location;
    if (status >= 300 && status < 400 && location !== undefined) {
      answer.destroy();
      at = addressOf(location, at);
      continue;
    }
    if (status === 200 || (status === 304 && headers["if-none-match"] !== undefined)) return { answer, at };
    answer.destroy();
    throw new NixsealError(
      status === 404 || status === 410 ? "not-found" : "io",
      `${at.href}: answer ${status}`,
    );
  }
  throw new NixsealError("io", `${url}: more than ${mostRedirects} redirects`);
}

/** A redirect from https to http would hand the rest to whoever listens; one to another scheme is none of HTTP's. */
function addressOf(text: string, from: URL | null): URL {
  const url = URL.canParse(text, from?.href) ? new URL(text, from?.href) : null;
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:") || url.username !== "")
    throw new NixsealError(
      from === null ? "usage" : "refused",
      `'${text.slice(0, 200)}' is not a plain http or https URL`,
    );
  if (from !== null && url.protocol !== from.protocol)
    throw new NixsealError("refused", `${from.href} redirects from ${from.protocol} to ${url.protocol}`);
  return url;
}

/** GET; with a body PUT. */
async function request(
  url: URL,
  signal: AbortSignal,
  more: OutgoingHttpHeaders,
  silence: number,
  put: Uint8Array | null = null,
): Promise<IncomingMessage> {
  const { request: begin } =
    url.protocol === "https:" ? await import("node:https") : await import("node:http");
  return new Promise((resolve, reject) => {
    // A compressed body could grow without bound behind the limit.
    const headers = { "accept-encoding": "identity", "user-agent": "nixseal", ...more };
    const method = put === null ? "GET" : "PUT";
    const sent = begin(url, { method, signal, headers, agent: false, timeout: silence }, (answer) => {
      sent.off("timeout", tooSilent);
      resolve(answer);
    });
    // Node only tells; a server that takes the connection and never answers would have it for as long as a large file may take.
    const tooSilent = (): void =>
      void sent.destroy(new NixsealError("timeout", `${url.href} gives no answer`));
    sent.on("timeout", tooSilent).on("error", reject);
    sent.end(put ?? undefined);
  });
}

async function whole(answer: IncomingMessage, url: URL, limits: HttpLimits): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of body(answer, url, limits)) parts.push(part);
  return new Uint8Array(Buffer.concat(parts));
}

async function* body(
  answer: IncomingMessage,
  url: URL,
  { limit }: HttpLimits,
): AsyncGenerator<Uint8Array, void, undefined> {
  const tooLarge = (): NixsealError => new NixsealError("limit", `${url.href} has more than ${limit} bytes`);
  try {
    if (Number(answer.headers["content-length"]) > limit) throw tooLarge();
    let size = 0;
    for await (const part of answer as AsyncIterable<Buffer>) {
      size += part.length;
      if (size > limit) throw tooLarge();
      yield part;
    }
  } finally {
    answer.destroy();
  }
}

async function guarded<T>(url: URL, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof NixsealError) throw cause;
    if (signal.aborted) throw new NixsealError("timeout", `${url.href} took too long`, { cause });
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "no connection";
    throw new NixsealError("io", `${url.href}: ${code}`, { cause });
  }
}
