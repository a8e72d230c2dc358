import { hole, isWhole, textsOf, type Value } from "../configuration/value.ts";
import type { Judge, Problem } from "./check.ts";
import { linesWith } from "./text-matches.ts";

/** Wrong when it is `true`. */
export const isTrue: Judge = (value) => {
  if (value.kind === "bool") return value.value ? {} : "fine";
  return value.kind === "unknown" ? "unknown" : "fine";
};

/** Wrong when it is `false`. */
export const isFalse: Judge = (value) => {
  if (value.kind === "bool") return value.value ? "fine" : {};
  return value.kind === "unknown" ? "unknown" : "fine";
};

/** Wrong when it is one of these texts (letter case does not matter) or booleans. */
export function isOneOf(...wrong: readonly (string | boolean)[]): Judge {
  return (value) => {
    if (value.kind === "unknown") return "unknown";
    if (value.kind === "bool") return wrong.includes(value.value) ? {} : "fine";
    if (value.kind !== "text") return "fine";
    if (!value.whole) return "unknown";
    return wrong.includes(value.text.toLowerCase()) ? {} : "fine";
  };
}

/** Wrong when the text, or a text of the list, is so. What is found counts even where the rest is not known. */
export function hasText(wrong: (text: string) => boolean | Problem): Judge {
  return (value) => {
    for (const text of textsOf(value)) {
      const answer = wrong(text);
      if (answer !== false) return answer === true ? {} : answer;
    }
    return isWhole(value) ? "fine" : "unknown";
  };
}

/** Wrong when a line of the configuration text matches: of `extraConfig` options, where what is not known is left alone. */
export function textMatches(wrong: RegExp): Judge {
  return (value) => {
    if (textsOf(value).some((text) => !linesWith(text, wrong).next().done)) return {};
    return value.kind === "unknown" ? "unknown" : "fine";
  };
}

/** Wrong when the value is written out. What comes from elsewhere is no literal, whatever it is. */
export const isLiteralSecret: Judge = (value) => {
  if (value.kind !== "text") return "fine";
  const written = value.text.replaceAll(hole, "").trim();
  return written === "" || !value.whole || isPlaceholder(written) ? "fine" : { secret: value.text };
};

/** What stands for a value that is put in later (`$__file{…}`, `@secret@`, `%d/x`, `/run/…`), or for none. */
export function isPlaceholder(text: string): boolean {
  return (
    /^(?:[$@%<{/]|file:|env:|!)/.test(text) ||
    /^(?:x+|\*+|\.+|-+|!|none|null|changeme|change-me|placeholder|redacted|todo|dummy|example.*|your[-_ ].*)$/i.test(
      text,
    )
  );
}

/** A number as option values have it: `22` or `"22"`. */
export function numberOf(value: Value | undefined): number | undefined {
  if (value?.kind === "number") return value.value;
  return value?.kind === "text" && /^\d+$/.test(value.text) ? Number(value.text) : undefined;
}
