import { NixsealError, placeOf, readerLeft } from "../core/errors.ts";
import type { Paint } from "../ops/op.ts";
import { visible, visibleJson } from "./paint.ts";

const report = "this is a bug in nixseal; please report it with the lines above and the command that you ran";

/** An error as people read it: place, message, what to do. A bug shows its stack, anything else never does. */
export function errorText(error: unknown, paint: Paint): string {
  if (!(error instanceof NixsealError)) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return `${visible(stack)}\n${paint.bad("nixseal:")} unexpected error\n  hint: ${report}\n`;
  }
  const place = placeOf(error.where);
  const line = [
    paint.bad("nixseal:"),
    ...(place === "" ? [] : [`${visible(place)}:`]),
    visible(error.message),
  ].join(" ");
  return error.hint === undefined ? `${line}\n` : `${line}\n  hint: ${visible(error.hint)}\n`;
}

/** An error as programs read it: the document that `--json` prints on stdout. */
export function errorJson(error: unknown): string {
  if (!(error instanceof NixsealError))
    return visibleJson({
      code: "bug",
      message: error instanceof Error ? error.message : String(error),
      hint: report,
    });
  const { code, message, hint, where } = error;
  return visibleJson({ code, message, hint: hint ?? null, ...(where === undefined ? {} : { where }) });
}

/** A reader that went away does not change what the command came to. */
export async function printed(output: Promise<void>): Promise<void> {
  try {
    await output;
  } catch (error) {
    if (!readerLeft(error)) throw error;
  }
}
