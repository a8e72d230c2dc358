import { openSync } from "node:fs";
import { ReadStream, WriteStream } from "node:tty";
import { NixsealError } from "../core/errors.ts";
import type { Person } from "../core/ports.ts";
import { SecretValue } from "../core/secret-value.ts";

const longest = 64 << 10;

/** Asks on /dev/tty, so that stdin and stdout stay free for data. */
export const person: Person = {
  askSecret: async (question) => new SecretValue(await ask(question, "hidden")),
  askYesNo: async (question) => {
    const answer = Buffer.from(await ask(`${question} [y/N] `, "shown")).toString("utf8");
    return /^y(es)?$/i.test(answer.trim());
  },
};

async function ask(question: string, echo: "hidden" | "shown"): Promise<Uint8Array> {
  const input = new ReadStream(openTerminal("r"));
  const output = new WriteStream(openTerminal("w"));
  output.write(shown(question));
  input.setRawMode(echo === "hidden");
  try {
    return await line(input);
  } finally {
    input.setRawMode(false);
    if (echo === "hidden") output.write("\n");
    input.destroy();
    output.destroy();
  }
}

/** What is asked about may hold the words of others: a sequence among them could hide what is above, or answer as if it were the person. */
function shown(question: string): string {
  return question.replace(/[^\P{Cc}\n\t]|[\p{Cf}\p{Zl}\p{Zp}]/gu, "?");
}

/** Raw mode hands every key to us: the few that edit or end a line are handled here. */
async function line(input: ReadStream): Promise<Uint8Array> {
  const typed: number[] = [];
  for await (const bytes of input as AsyncIterable<Buffer>) {
    for (const byte of bytes) {
      if (byte === 0x0d || byte === 0x0a) return Uint8Array.from(typed);
      if (byte === 0x03 || (byte === 0x04 && typed.length === 0))
        throw new NixsealError("cancelled", "cancelled");
      if (byte === 0x7f || byte === 0x08) eraseCharacter(typed);
      else if (byte === 0x15) typed.length = 0;
      else if (typed.length < longest) typed.push(byte);
    }
  }
  throw new NixsealError("cancelled", "the terminal was closed");
}

/** One UTF-8 character: its continuation bytes, then its first byte. */
function eraseCharacter(typed: number[]): void {
  while (typed.length > 0 && (typed.pop()! & 0xc0) === 0x80);
}

function openTerminal(mode: "r" | "w"): number {
  try {
    return openSync("/dev/tty", mode);
  } catch (cause) {
    throw new NixsealError("refused", "there is no terminal to ask on", {
      hint: "run it in a terminal, or give the answer by a flag (--passphrase-fd for a passphrase)",
      cause,
    });
  }
}
