import { NixsealError } from "../../core/errors.ts";
import { readAgeFile } from "./age-file.ts";
import { ByteReader } from "./byte-reader.ts";
import { version } from "./header.ts";
import { payloadNonceSize, sealedChunkSize, tagSize } from "./payload.ts";
import type { Stanza } from "./stanza.ts";

/** What an age file tells without any key. Sizes in bytes; the names are those of the program `age-inspect`. */
export interface Inspection {
  readonly version: string;
  readonly postquantum: "yes" | "no" | "unknown";
  readonly armor: boolean;
  readonly stanza_types: readonly string[];
  readonly sizes: {
    readonly header: number;
    /** What the armor adds. */
    readonly armor: number;
    /** What the encryption of the payload adds. */
    readonly overhead: number;
    readonly min_payload: number;
    readonly max_payload: number;
    /** The format has no padding, so that least and most are equal; a later version may. */
    readonly min_padding: number;
    readonly max_padding: number;
  };
}

/** `malformed` for what is no age file, or cannot be a whole one by its size. Says nothing about whether it was altered. */
export async function inspect(file: AsyncIterable<Uint8Array>): Promise<Inspection> {
  const source = new ByteReader(file);
  try {
    const { armored, header, payload } = await readAgeFile(source);
    let size = 0;
    for (let more = true; more;) {
      more = await payload.fill(1);
      size += payload.buffered.length;
      payload.consume(payload.buffered.length);
    }
    const overhead = overheadOf(size);
    return {
      version,
      postquantum: postquantum(header.stanzas),
      armor: armored,
      stanza_types: header.stanzas.map((stanza) => stanza.args[0]!),
      sizes: {
        header: header.size,
        armor: source.received - header.size - size,
        overhead,
        min_payload: size - overhead,
        max_payload: size - overhead,
        min_padding: 0,
        max_padding: 0,
      },
    };
  } finally {
    await source.close();
  }
}

function overheadOf(size: number): number {
  const sealed = size - payloadNonceSize;
  const chunks = Math.ceil(sealed / sealedChunkSize);
  const last = sealed - (chunks - 1) * sealedChunkSize;
  // A chunk has its tag, and only the first may be empty.
  if (sealed < tagSize || last < tagSize || (chunks > 1 && last === tagSize))
    throw new NixsealError("malformed", "file is cut short: its size is not that of a whole payload");
  return payloadNonceSize + chunks * tagSize;
}

const classical = new Set(["X25519", "ssh-rsa", "ssh-ed25519", "p256tag", "piv-p256"]);
/** A passphrase counts: there is no public key for a quantum computer to work on. */
const quantumSafe = new Set(["mlkem768x25519", "mlkem768p256tag", "scrypt"]);

/** As safe as the weakest stanza. */
function postquantum(stanzas: readonly Stanza[]): Inspection["postquantum"] {
  const types = stanzas.map((stanza) => stanza.args[0]!);
  if (types.some((type) => classical.has(type))) return "no";
  return types.some((type) => quantumSafe.has(type)) ? "yes" : "unknown";
}
