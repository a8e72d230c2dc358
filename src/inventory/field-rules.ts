/**
 * What single values of fleet.toml may look like, each with the words that say so. What ends up in a host's manifest
 * follows the same rules as the manifest does, so that nothing passes here and fails there.
 */
export interface Rule {
  readonly pattern: RegExp;
  readonly expected: string;
  /** What a pattern cannot say, asked of texts that match it. */
  readonly also?: (text: string) => boolean;
}

export function follows(rule: Rule, text: string): boolean {
  return rule.pattern.test(text) && (rule.also?.(text) ?? true);
}

export const name: Rule = {
  pattern: /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
  expected: "a name (letters, digits, '.', '_', '-'; at most 64; begins with a letter or digit)",
};

/** Goes to ssh as an argument, so it must not begin like a flag. */
export const address: Rule = {
  pattern: /^[A-Za-z0-9_:][A-Za-z0-9_.:%-]{0,254}$/,
  expected: "a DNS name or an IP address",
};

export const user: Rule = {
  pattern: /^[A-Za-z_][A-Za-z0-9._-]{0,63}$/,
  expected: "the name of an account",
};

/** A number stays below 2³²−1, the kernel's "no change". */
export const account: Rule = {
  pattern: /^(?:[A-Za-z_][A-Za-z0-9._-]{0,63}\$?|0|[1-9][0-9]{0,9})$/,
  expected: "the name or number of an account, as text",
  also: (text) => !(Number(text) >= 2 ** 32 - 1),
};

export const system: Rule = {
  pattern: /^[a-z0-9_]{1,32}-[a-z0-9_]{1,32}$/,
  expected: 'a system such as "x86_64-linux"',
};

/** One line, so that it cannot smuggle a second one into a file made from it. */
export const keyLine: Rule = {
  pattern: /^[A-Za-z0-9@._-]{1,64} [A-Za-z0-9+/]+={0,2}(?: [^\p{Cc}]*)?$/u,
  expected: 'an SSH public key ("ssh-ed25519 AAAA…", as in a .pub file)',
};

/** OpenPGP certificates lie in files: they are too long for a line. */
export const keyFile: Rule = {
  pattern: /^trust\/keys\/[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/,
  expected: "a file below trust/keys/",
};

/** Native, hybrid and plugin recipients alike: Bech32 (BIP 173), lower case, the part in front "age1" or "age1name". */
export const ageRecipient: Rule = {
  pattern: /^age1(?:[a-z0-9+._-]{1,64}1)?[02-9ac-hj-np-z]{6,4096}$/,
  expected: 'an age recipient ("age1…")',
};

/** The last digit leaves no right to write to everybody; set-uid bits make no sense on a secret. */
export const mode: Rule = {
  pattern: /^0[0-7]{2}[0145]$/,
  expected: 'a mode as text of 4 octal digits such as "0400", not writable for others',
};

/** systemd.unit(5). It goes to systemctl as an argument, so it must not begin like a flag. */
export const unit: Rule = {
  pattern:
    /^[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]{0,240}\.(?:service|socket|target|timer|path|mount|automount|slice|scope|swap|device)$/,
  expected: 'the name of a systemd unit, such as "grafana.service"',
};

export const service: Rule = {
  pattern: /^[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]{0,240}\.service$/,
  expected: 'the name of a service, such as "grafana.service"',
};

export const credential: Rule = {
  pattern: /^[A-Za-z0-9_][A-Za-z0-9._:-]{0,254}$/,
  expected: "a credential's name (letters, digits, '.', '_', ':', '-')",
};

/** One spelling only, so that comparing two paths as text is enough. */
export const absolutePath: Rule = {
  pattern: /^(?=.{1,1024}$)(?:\/(?!\.{1,2}(?:\/|$))[^/\p{Cc}]{1,255})+$/u,
  expected: "an absolute path without '.', '..', empty parts or a '/' at its end",
  // The file system counts a name in bytes (NAME_MAX), a pattern in characters.
  also: (text) => text.split("/").every((part) => Buffer.byteLength(part) <= 255),
};

export const duration: Rule = {
  pattern: /^[1-9][0-9]{0,5}[hdwy]$/,
  expected: 'a duration such as "12h", "90d", "6w" or "1y"',
};

/** Relative, downwards, at least the file's name; `*` and `?` stand within one directory. */
export const includeGlob: Rule = {
  pattern: /^(?:[A-Za-z0-9*?_][A-Za-z0-9*?._ -]{0,254}\/){0,8}[A-Za-z0-9*?_][A-Za-z0-9*?._ -]{0,249}\.toml$/,
  expected:
    'a relative path or glob that ends in ".toml", such as "hosts/*.toml", without ".." and hidden parts',
};

const unitSeconds: Readonly<Record<string, number>> = { h: 3600, d: 86_400, w: 604_800, y: 31_536_000 };

/** Seconds of a text that follows `duration`; a year has 365 days. */
export function seconds(text: string): number {
  return Number(text.slice(0, -1)) * unitSeconds[text.at(-1)!]!;
}

export const httpsUrl: Rule = {
  pattern: /^https:\/\/[A-Za-z0-9.:[\]-]{1,253}$/,
  expected: 'an https URL without a path ("https://etcd1.example.org:2379")',
  also: (text) => URL.canParse(text),
};

/** Below the fleet's directory, in its one spelling. */
export const relativeFile: Rule = {
  pattern: /^(?!.*(?:^|\/)\.{1,2}(?:\/|$))[A-Za-z0-9._-]{1,128}(?:\/[A-Za-z0-9._-]{1,128}){0,16}$/,
  expected: "a file below the fleet's directory",
};
