import type { Agent, RequestOptions } from "node:https";
import type { IncomingMessage } from "node:http";
import { NixsealError } from "../core/errors.ts";
import type { Https, TlsIdentity } from "../core/http-ports.ts";

const mostConnections = 16;
/** One pool of connections an identity: a TLS handshake costs more than all that is said in one. */
const agents = new WeakMap<TlsIdentity, Agent>();

export const https: Https = {
  async post(url, body, { identity, limit, timeout }) {
    const { Agent, request } = await import("node:https");
    const agent =
      agents.get(identity) ??
      new Agent({
        keepAlive: true,
        maxSockets: mostConnections,
        ca: Buffer.from(identity.authorities), // these only: no public authority speaks for our servers
        cert: Buffer.from(identity.certificate),
        key: Buffer.from(identity.key.reveal()),
        minVersion: "TLSv1.3",
        rejectUnauthorized: true,
      });
    agents.set(identity, agent);
    const signal = AbortSignal.timeout(timeout);
    try {
      const answer = await send(request, url, body, { method: "POST", agent, signal });
      return { status: answer.statusCode ?? 0, body: await read(answer, url, limit) };
    } catch (cause) {
      throw failure(url, cause, signal);
    }
  },
};

function send(
  request: typeof import("node:https").request,
  url: string,
  body: Uint8Array,
  options: RequestOptions,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", "content-length": body.length };
    request(url, { ...options, headers }, resolve)
      .on("error", reject)
      .end(body);
  });
}

async function read(answer: IncomingMessage, url: string, limit: number): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of answer as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > limit) {
      answer.destroy();
      throw new NixsealError("limit", `${url}: the answer has more than ${limit} bytes`);
    }
    parts.push(part);
  }
  return new Uint8Array(Buffer.concat(parts));
}

function failure(url: string, cause: unknown, signal: AbortSignal): unknown {
  if (cause instanceof NixsealError) return cause;
  if (signal.aborted) return new NixsealError("timeout", `${url} took too long`, { cause });
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "no connection";
  const stranger = /CERT|UNABLE_TO|SELF_SIGNED|ALTNAME|SSL/.test(code);
  return new NixsealError(stranger ? "refused" : "io", `${url}: ${code}`, {
    hint: stranger ? "its certificate, or ours, is not of the authority that was named" : undefined,
    cause,
  });
}
