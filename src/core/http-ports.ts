/** The ports for HTTP. Types only, as in `ports.ts`. */
import type { SecretValue } from "./secret-value.ts";

export interface HttpLimits {
  /** Bytes of the body; one more is error `limit`. */
  readonly limit: number;
  /** Milliseconds for the whole exchange, redirects included (error `timeout`). */
  readonly timeout: number;
}

/** Fetching public files. Nothing of this machine goes along: no cookies, no credentials. */
export interface Http {
  /**
   * The body of an answer 200, as it was sent. 404 and 410 are `not-found`; redirects are followed a few times, to the same
   * scheme only; every other answer is `io`.
   */
  get(url: string, limits: HttpLimits): Promise<Uint8Array>;
}

/** The same for a host that fetches what was ordered for it: often nothing new, then much. */
export interface Downloads {
  /** As `Http.get`, with the server's ETag; null when the server says that it still is what `tag` names (304). */
  getChanged(
    url: string,
    limits: HttpLimits & { readonly tag: string | null },
  ): Promise<{ readonly bytes: Uint8Array; readonly tag: string | null } | null>;
  /**
   * As `Http.get`, in pieces as they come. An end before the announced length is `io`; so many milliseconds without a byte, before the answer or
   * within, are `timeout` (default: two minutes).
   */
  stream(url: string, limits: HttpLimits & { readonly silence?: number }): AsyncIterable<Uint8Array>;
}

/** Handing in a public file, such as a signed receipt. */
export interface Uploads {
  /** PUT (RFC 9110, 9.3.4); done when the answer is one of 200 to 299, of whose body `limit` bytes are read. Redirects are not followed. Every other answer is `io`. */
  put(url: string, body: Uint8Array, limits: HttpLimits): Promise<void>;
}

/** Who we are to a server that asks for certificates, and whom we take it for. All PEM. */
export interface TlsIdentity {
  readonly authorities: Uint8Array;
  readonly certificate: Uint8Array;
  readonly key: SecretValue;
}

/** Requests to a service of our own, both sides proved by certificates (mutual TLS). */
export interface Https {
  /** The status and body of whatever answer came. Redirects are not followed. Errors: `io`, `timeout`, `limit`, `refused` (the other side is not whom the authorities name). */
  post(
    url: string,
    body: Uint8Array,
    options: HttpLimits & { readonly identity: TlsIdentity },
  ): Promise<{ readonly status: number; readonly body: Uint8Array }>;
}
