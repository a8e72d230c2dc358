import { NixsealError } from "../../core/errors.ts";
import type { WireReader } from "./wire-reader.ts";
import { workerMessages } from "./worker-protocol.ts";

const maxText = 1 << 20;
const maxFields = 1000;
const maxTraces = 10_000;

/**
 * Reads what the server says of its work until it is done (versions from 1.26 on). Log lines go to `log`,
 * activities are skipped. Returns the server's error, or null: after either the connection is in step.
 */
export async function readWork(
  reader: WireReader,
  log: (line: string) => void,
): Promise<NixsealError | null> {
  for (;;) {
    const type = await reader.integer("a message of the server");
    switch (type) {
      case workerMessages.last:
        return null;
      case workerMessages.error:
        return readError(reader);
      case workerMessages.next:
        log((await reader.string(maxText, "a log line")).trimEnd());
        break;
      case workerMessages.startActivity:
        for (const what of ["an activity", "its level", "its type"]) await reader.integer(what);
        await reader.string(maxText, "an activity's text");
        await skipFields(reader);
        await reader.integer("the parent of an activity");
        break;
      case workerMessages.stopActivity:
        await reader.integer("an activity");
        break;
      case workerMessages.result:
        for (const what of ["an activity", "the type of a result"]) await reader.integer(what);
        await skipFields(reader);
        break;
      default:
        throw new NixsealError("malformed", `the server sent a message of the unknown type ${type}`, {
          where: { offset: reader.offset },
        });
    }
  }
}

async function skipFields(reader: WireReader): Promise<void> {
  const count = await reader.count(maxFields, "fields");
  for (let n = 0; n < count; n++) {
    const text = await reader.boolean("the type of a field");
    if (text) await reader.string(maxText, "a field");
    else await reader.integer("a field");
  }
}

async function readError(reader: WireReader): Promise<NixsealError> {
  await reader.string(maxText, "the type of an error");
  await reader.integer("the level of an error");
  await reader.string(maxText, "the name of an error");
  const text = await reader.string(maxText, "an error");
  await noPosition(reader);
  const traces = await reader.count(maxTraces, "traces");
  for (let n = 0; n < traces; n++) {
    await noPosition(reader);
    await reader.string(maxText, "a trace");
  }
  // Nix colours its messages; the terminal is not the server's to write to.
  return new NixsealError(
    "refused",
    `the server says: ${text.replace(/\p{Cc}(?:\[[0-9;]*m)?/gu, " ").trim()}`,
  );
}

async function noPosition(reader: WireReader): Promise<void> {
  if (await reader.boolean("whether a position follows"))
    throw new NixsealError("malformed", "the server sent an error with a position, which no version does");
}
