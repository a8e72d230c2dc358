import { NixsealError, placeOf } from "../core/errors.ts";

const report =
  "this is a bug in nixseal-agent; please report it with the lines above and the command that ran";

/** Control characters of names and messages are shown, not obeyed: they could forge lines in the journal. */
export function visible(text: string): string {
  return text.replace(
    /[^\P{Cc}\n]/gu,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

/** An error as the journal shows it. Only a bug shows a stack. */
export function errorText(error: unknown): string {
  if (!(error instanceof NixsealError)) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return visible(`${stack}\nnixseal-agent: unexpected error\n  hint: ${report}\n`);
  }
  const place = placeOf(error.where);
  const line = `nixseal-agent: ${place === "" ? "" : `${place}: `}${error.message}\n`;
  return visible(error.hint === undefined ? line : `${line}  hint: ${error.hint}\n`);
}

/** The document that `--json` prints for an error. */
export function errorJson(error: unknown): string {
  if (!(error instanceof NixsealError)) {
    const message = error instanceof Error ? error.message : String(error);
    return `${JSON.stringify({ code: "bug", message, hint: report })}\n`;
  }
  const { code, message, hint, where } = error;
  return `${JSON.stringify({ code, message, hint: hint ?? null, ...(where === undefined ? {} : { where }) })}\n`;
}
