import type { IncomingMessage } from "node:http";
import { NixsealError } from "../core/errors.ts";
import type { Http, HttpLimits } from "../core/ports.ts";

const mostRedirects = 5;

/** The modules for HTTP are loaded by the first request: most runs make none. */
export const http: Http = {
  async get(url, limits) {
    const abort = AbortSignal.timeout(limits.timeout);
    let at = addressOf(url, null);
    for (let hops = 0; hops <= mostRedirects; hops++) {
      const answer = await guarded(at, abort, () => request(at, abort));
      const { statusCode: status = 0 } = answer;
      const location = answer.headers.location;
      if (status >= 300 && status < 400 && location !== undefined) {
        answer.destroy();
        at = addressOf(location, at);
        continue;
      }
      if (status === 200) return guarded(at, abort, () => body(answer, at, limits));
      answer.destroy();
      throw new NixsealError(
        status === 404 || status === 410 ? "not-found" : "io",
        `${at.href}: answer ${status}`,
      );
    }
    throw new NixsealError("io", `${url}: more than ${mostRedirects} redirects`);
  },
};

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

async function request(url: URL, signal: AbortSignal): Promise<IncomingMessage> {
  const { get } = url.protocol === "https:" ? await import("node:https") : await import("node:http");
  return new Promise((resolve, reject) => {
    // A compressed body could grow without bound behind the limit.
    const headers = { "accept-encoding": "identity", "user-agent": "nixseal" };
    get(url, { signal, headers, agent: false }, resolve).on("error", reject);
  });
}

async function body(answer: IncomingMessage, url: URL, { limit }: HttpLimits): Promise<Uint8Array> {
  const tooLarge = (): NixsealError => new NixsealError("limit", `${url.href} has more than ${limit} bytes`);
  try {
    if (Number(answer.headers["content-length"]) > limit) throw tooLarge();
    const parts: Buffer[] = [];
    let size = 0;
    for await (const part of answer as AsyncIterable<Buffer>) {
      size += part.length;
      if (size > limit) throw tooLarge();
      parts.push(part);
    }
    return new Uint8Array(Buffer.concat(parts));
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
