/**
 * Names of the Common Platform Enumeration: formatted strings of CPE 2.3 (NISTIR 7695, section 6.2), and the URIs of CPE 2.2
 * (section 6.1), which CVE records have beside them.
 */
import { NixsealError } from "../../core/errors.ts";
import { normalName } from "./advisory.ts";

export interface Cpe {
  readonly part: "a" | "o" | "h";
  readonly vendor: string;
  readonly product: string;
  /** Null for any. An update (`p1`, `rc1`) is part of it, as packages write it. */
  readonly version: string | null;
  /** Where it runs: `jenkins`, `wordpress`, `windows`; empty for any. */
  readonly target: string;
}

/** Throws `malformed`. */
export function parseCpe(text: string): Cpe {
  const fields = text.length > 1024 ? [] : text.startsWith("cpe:/") ? uriFields(text) : splitFields(text);
  const [scheme, version23, part, vendor, product, version, update, , , , targetSoftware] = fields;
  if (fields.length !== 13 || scheme !== "cpe" || version23 !== "2.3")
    throw new NixsealError("malformed", "expected a CPE name (cpe:2.3:…) of 13 fields");
  if (part !== "a" && part !== "o" && part !== "h")
    throw new NixsealError("malformed", "expected a CPE of an application, an operating system or hardware");
  return {
    part,
    vendor: normalName(plain(vendor!)),
    product: normalName(plain(product!)),
    version: isAny(version!) ? null : `${plain(version!)}${isAny(update!) ? "" : updateText(plain(update!))}`,
    target: isAny(targetSoftware!) ? "" : normalName(plain(targetSoftware!)),
  };
}

/** Colons separate, unless a backslash stands before them. */
function splitFields(text: string): string[] {
  return text.match(/(?:\\.|[^:\\])+/gs) ?? [];
}

/** `cpe:/a:vendor:product:version:update:edition:language`, cut anywhere; what the edition packs has tildes between. */
function uriFields(text: string): string[] {
  const [part = "", ...rest] = text.slice("cpe:/".length).split(":");
  const [vendor, product, version, update, edition = "", language] = rest;
  const packed = edition.startsWith("~") ? edition.slice(1).split("~") : [edition];
  const [old, software, target, hardware, other] = packed;
  const tail = [version, update, old, language, software, target, hardware, other].map((one) =>
    one === undefined || one === "" ? "*" : unescaped(one),
  );
  const complete = vendor && product && rest.length <= 6 && packed.length <= 5;
  return complete ? ["cpe", "2.3", part.toLowerCase(), unescaped(vendor), unescaped(product), ...tail] : [];
}

/** Percent escapes of the URI as the backslashes of a formatted string; %01 and %02 are its wildcards. */
function unescaped(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => {
    const code = Number.parseInt(digits, 16);
    return code === 1 ? "?" : code === 2 ? "*" : `\\${String.fromCharCode(code)}`;
  });
}

function isAny(value: string): boolean {
  return value === "*" || value === "-";
}

function plain(value: string): string {
  return value.replace(/\\(.)/gs, "$1");
}

/** `patch2` of the dictionary is the `p2` of the release's own name. */
function updateText(update: string): string {
  const level = /^(?:p|pl|patch)[-_]?([0-9]+)$/.exec(update);
  return level === null ? `-${update}` : `p${level[1]}`;
}
