/** allowed_signers files: ssh-keygen(1), "ALLOWED SIGNERS". Reading them; verify.ts decides by them. */
import { NixsealError } from "../core/errors.ts";
import { didYouMean } from "../core/suggest.ts";
import { onLine } from "./line-error.ts";
import { parsePublicKeyLine } from "./public-key-line.ts";
import type { PublicKey } from "./public-key.ts";
import { parseTimestamp } from "./timestamp.ts";

export interface AllowedSigner {
  /** In the file, from 1. */
  readonly line: number;
  /** A pattern list; case counts. */
  readonly principals: string;
  readonly key: PublicKey;
  readonly certAuthority: boolean;
  /** A pattern list; null allows every namespace. */
  readonly namespaces: string | null;
  /** Both inclusive, to the second. */
  readonly validAfter: Date | null;
  readonly validBefore: Date | null;
}

export interface AllowedSigners {
  readonly signers: readonly AllowedSigner[];
  /** A line that says nothing to us, with its number in `where`: OpenSSH skips such lines without a word. */
  readonly faults: readonly NixsealError[];
}

const maximumFile = 4 << 20;
const optionNames = ["cert-authority", "namespaces", "valid-after", "valid-before"] as const;

/** Every good line and every fault; the caller must not ignore the faults. */
export function readAllowedSigners(text: string): AllowedSigners {
  if (text.length > maximumFile)
    throw new NixsealError("limit", `allowed signers file has ${text.length} characters`);
  const signers: AllowedSigner[] = [];
  const faults: NixsealError[] = [];
  for (const [index, content] of text.split("\n").entries()) {
    if (/^[ \t\r]*(?:#|$)/.test(content)) continue;
    try {
      signers.push(readLine(content, index + 1));
    } catch (error) {
      faults.push(onLine(error, index + 1));
    }
  }
  return { signers, faults };
}

/** Throws the first fault: a file that is partly understood is not what its author meant. */
export function parseAllowedSigners(text: string): readonly AllowedSigner[] {
  const { signers, faults } = readAllowedSigners(text);
  if (faults[0] !== undefined) throw faults[0];
  return signers;
}

function readLine(content: string, line: number): AllowedSigner {
  const match = /^[ \t]*(?:"([^"]+)"|([^" \t]+))[ \t]+(.+)$/s.exec(content);
  // C readers would stop at a NUL and see another line.
  if (match === null || content.includes("\0")) {
    throw new NixsealError("malformed", "not a line of an allowed signers file", {
      hint: "expected PRINCIPALS [OPTIONS] KEYTYPE BASE64",
    });
  }
  const rest = match[3]!;
  const hasOptions = !/^(?:ssh|ecdsa|sk|webauthn)-[^ \t"=,]*[ \t]/.test(rest);
  const options = hasOptions ? readOptions(rest) : { ...noOptions, length: 0 };
  const { key } = parsePublicKeyLine(rest.slice(options.length));
  const { certAuthority, namespaces, validAfter, validBefore } = options;
  return { line, principals: match[1] ?? match[2]!, key, certAuthority, namespaces, validAfter, validBefore };
}

const noOptions = { certAuthority: false, namespaces: null, validAfter: null, validBefore: null };

interface Options extends Pick<AllowedSigner, "certAuthority" | "namespaces" | "validAfter" | "validBefore"> {
  /** Characters read. */
  readonly length: number;
}

function readOptions(text: string): Options {
  const values = new Map<string, string>();
  // In quotes only `\"` is an escape, as in OpenSSH's opt_dequote.
  const option = /([A-Za-z-]+)(?:="((?:\\"|\\(?!")|[^"\\])*)")?([, \t])/y;
  let separator = ",";
  while (separator === ",") {
    const match = option.exec(text);
    if (match === null)
      throw new NixsealError("malformed", "options that cannot be read", { hint: optionHint });
    const name = match[1]!.toLowerCase();
    if ((name === "cert-authority") !== (match[2] === undefined) || !isOption(name)) {
      throw new NixsealError(
        "malformed",
        `unknown option '${match[1]!.slice(0, 64)}', or a value where none belongs`,
        {
          hint:
            didYouMean(
              name,
              optionNames.filter((known) => known !== name),
            ) ?? optionHint,
        },
      );
    }
    if (values.has(name)) throw new NixsealError("malformed", `option '${name}' is given twice`);
    values.set(name, (match[2] ?? "").replaceAll('\\"', '"'));
    separator = match[3]!;
  }
  const validAfter = readTime(values.get("valid-after"));
  const validBefore = readTime(values.get("valid-before"));
  if (validAfter !== null && validBefore !== null && validBefore <= validAfter) {
    throw new NixsealError("malformed", "valid-before is not later than valid-after");
  }
  return {
    certAuthority: values.has("cert-authority"),
    namespaces: values.get("namespaces") ?? null,
    validAfter,
    validBefore,
    length: option.lastIndex,
  };
}

const optionHint =
  'options are cert-authority, namespaces="…", valid-after="…" and valid-before="…", with commas between';

function isOption(name: string): boolean {
  return optionNames.some((known) => known === name);
}

function readTime(text: string | undefined): Date | null {
  if (text === undefined) return null;
  const time = parseTimestamp(text);
  if (time !== null) return time;
  throw new NixsealError("malformed", `'${text.slice(0, 64)}' is not a time`, {
    hint: "write YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, with a Z behind it for UTC",
  });
}
