import { basename } from "node:path";
import type { Check, Hit } from "./check.ts";
import { isPlaceholder } from "./judges.ts";
import { looksGenerated, secretName, tokenPatterns } from "./secret-patterns.ts";
import { linesWith, matchesOf } from "./text-matches.ts";

const areas = ["config", "secrets"] as const;
const rotate = "take it out of the repository and its history, and replace it: whoever has a clone has it";

/** Secrets that lie in files of any kind. No finding ever repeats what it found. */
export const secretFileChecks: readonly Check[] = [
  {
    looksAt: "text",
    id: "SEC001",
    name: "private-key",
    severity: "critical",
    areas,
    title: "an unencrypted private key is in the repository",
    means: "Everybody who can read the repository, a cache or an old clone of it can be whom the key is for.",
    fix: `${rotate}; keep the new one with 'nixseal secrets set'`,
    references: ["https://cwe.mitre.org/data/definitions/321.html"],
    *find({ text }): Generator<Hit> {
      if (!text.includes("PRIVATE KEY-----")) return;
      const block =
        /-----BEGIN ((?:RSA |EC |DSA |OPENSSH |PGP )?PRIVATE KEY(?: BLOCK)?)-----([^-]{64,32768})(?=-----END)/g;
      for (const { line, match } of matchesOf(text, block))
        if (!isEncrypted(match[1]!, match[2]!)) yield { line, secret: match[2]!.trim() };
    },
  },
  {
    looksAt: "text",
    id: "SEC002",
    name: "age-identity",
    severity: "critical",
    areas,
    title: "an age identity is in the repository",
    means: "It decrypts every secret that was ever encrypted to its recipient, in all of the history.",
    fix: "take it out, make a new identity, and run 'nixseal secrets rekey' and change the values it could read",
    references: ["https://age-encryption.org/v1"],
    *find({ text }): Generator<Hit> {
      if (!text.includes("AGE-SECRET-KEY-")) return;
      for (const { line, match } of matchesOf(
        text,
        /(?<![\w-])(AGE-SECRET-KEY-(?:PQ-)?1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58,128})(?!\w)/g,
      ))
        if (looksGenerated(match[1]!.slice(16))) yield { line, secret: match[1] };
    },
  },
  {
    looksAt: "text",
    id: "SEC003",
    name: "dotenv",
    severity: "high",
    areas,
    title: "a file of environment variables with secrets is in the repository",
    means: "Everybody who can read the repository has these values.",
    fix: `${rotate}; name the file in .gitignore`,
    references: ["https://cwe.mitre.org/data/definitions/538.html"],
    files: (path) =>
      /^\.env(?:\.(?!example|sample|template|dist)[\w-]+)*$|^(?!example|sample)[\w-]+\.env$|^\.envrc$/i.test(
        basename(path),
      ),
    *find({ text }): Generator<Hit> {
      for (const { line, match } of matchesOf(
        text,
        /^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]{0,100})[ \t]*=[ \t]*["']?([^\s"'#]{4,4096})/gm,
      ))
        if (secretName.test(match[1]!) && !isPlaceholder(match[2]!))
          yield { line, message: `${match[1]} is set to a value in the repository`, secret: match[2] };
    },
  },
  {
    looksAt: "text",
    id: "SEC004",
    name: "token",
    severity: "critical",
    areas,
    title: "an access token is in the repository",
    means: "Whoever reads the repository acts as the account that the token belongs to.",
    fix: "revoke the token where it was issued, then take it out of the repository",
    references: ["https://cwe.mitre.org/data/definitions/798.html"],
    *find({ text }): Generator<Hit> {
      for (const { what, holds, pattern } of tokenPatterns) {
        if (!text.includes(holds)) continue;
        for (const { line, match } of matchesOf(text, pattern))
          if (looksGenerated(match[1]!))
            yield { line, message: `${what} is in the repository`, secret: match[1] };
      }
    },
  },
  {
    looksAt: "text",
    id: "SEC005",
    name: "base64-as-encryption",
    severity: "high",
    areas,
    title: "openssl enc without a cipher only encodes: whoever sees the result can read it",
    means: "`openssl enc -base64` and `-a` need no key to undo. Nothing is protected.",
    fix: "encrypt with age ('nixseal secrets set', 'nixseal age encrypt')",
    references: [
      "https://docs.openssl.org/master/man1/openssl-enc/",
      "https://cwe.mitre.org/data/definitions/261.html",
    ],
    find: ({ text }) =>
      text.includes("openssl")
        ? linesWith(
            text,
            /^(?!\s*(?:#|\/\/)).*\bopenssl\s+(?:enc\s+(?=(?:[^|;\n]*\s)?-(?:a|base64)\b)(?![^|;\n]*-(?:aes|chacha|camellia|aria|des|id-aes|sm4)[\w-]*)|base64\b)/,
          )
        : [],
  },
  {
    looksAt: "text",
    id: "SEC006",
    name: "openssl-enc",
    severity: "medium",
    areas,
    title: "openssl enc does not notice a changed ciphertext",
    means:
      "It authenticates nothing: who may write the file can change what comes out. Without -pbkdf2 the key is one hash of the passphrase.",
    fix: "encrypt with age ('nixseal secrets set', 'nixseal age encrypt')",
    references: ["https://docs.openssl.org/master/man1/openssl-enc/#notes"],
    find: ({ text }) =>
      text.includes("openssl")
        ? linesWith(
            text,
            /^(?!\s*(?:#|\/\/)).*\bopenssl\s+(?:enc\s[^|;\n]*-(?:aes|chacha|camellia|aria|des|id-aes|sm4)[\w-]*|(?:aes-\d+-[a-z]+|des3?)\s)/,
          )
        : [],
  },
  {
    looksAt: "text",
    id: "SEC007",
    name: "credentials-file",
    severity: "high",
    areas,
    title: "a file that programs keep passwords in is in the repository",
    means: "Everybody who can read the repository has them.",
    fix: rotate,
    references: ["https://cwe.mitre.org/data/definitions/538.html"],
    files: (path) =>
      [
        ".netrc",
        "_netrc",
        ".git-credentials",
        ".pgpass",
        ".my.cnf",
        ".htpasswd",
        ".npmrc",
        ".pypirc",
      ].includes(basename(path)),
    find: ({ text }) =>
      linesWith(
        text,
        /^(?!\s*#).*(?:\bpassword[ \t=:]+(?![$%{<])\S{3,}|:\/\/[^:\s/]+:(?![$%{<])[^@\s/]{3,}@|:_(?:authToken|password|auth)=(?!\$)\S+|^[^:\s#]+:[^:\s]+:[^:\s]+:[^:\s]+:\S+$|^[^:\s#]+:\$(?:apr1|2[aby]|5|6)\$\S+)/i,
      ),
  },
  {
    looksAt: "text",
    id: "SEC008",
    name: "wireguard-key",
    severity: "critical",
    areas,
    title: "a WireGuard private key is in the repository",
    means: "Whoever has it joins the network as that machine and reads what is recorded from now on.",
    fix: `${rotate}; name a file instead: privateKeyFile`,
    references: ["https://www.wireguard.com/quickstart/"],
    *find({ text }): Generator<Hit> {
      if (!/private_?key/i.test(text)) return;
      for (const { line, match } of matchesOf(
        text,
        /^[ \t]*(?:[\w."-]+\.)?(?:PrivateKey|privateKey|private_key)[ \t]*=[ \t]*"?([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)/gm,
      ))
        if (looksGenerated(match[1]!)) yield { line, secret: match[1] };
    },
  },
  {
    looksAt: "text",
    id: "SEC009",
    name: "sops-plaintext",
    severity: "critical",
    areas,
    title: "a file of secrets is not encrypted",
    means:
      "Its name says that it is meant to be secret, and everybody who can read the repository can read it.",
    fix: `${rotate}; encrypt it before it is added`,
    references: ["https://cwe.mitre.org/data/definitions/312.html"],
    files: (path) =>
      /(?:^|\/)secrets?(?:\.(?:dec|plain|prod|production))?\.(?:ya?ml|json|env|ini|toml)$|(?:^|\/)secrets\/.*\.(?:dec|plain|cleartext)(?:\.\w+)?$/i.test(
        path,
      ),
    *find({ text }): Generator<Hit> {
      if (
        /\bENC\[AES256_GCM|"?sops"?\s*[:=]|^age-encryption\.org|\$ANSIBLE_VAULT|BEGIN AGE ENCRYPTED|BEGIN PGP MESSAGE/m.test(
          text,
        ) ||
        text.startsWith("\0GITCRYPT")
      )
        return;
      for (const { line, match } of matchesOf(
        text,
        /^[ \t]*"?([\w.-]{1,100})"?[ \t]*[:=][ \t]*["']?([^\s"'{[|>#][^\n"']{2,2000})/gm,
      )) {
        if (isPlaceholder(match[2]!) || /^(?:true|false|\d+)$/.test(match[2]!)) continue;
        yield { line, secret: match[2] };
        return; // one is enough: the file as a whole is the fault
      }
    },
  },
];

/** PEM says so in a header, OpenSSH in the name of the cipher; a PGP block can't be told without reading its packets. */
function isEncrypted(label: string, body: string): boolean {
  if (/Proc-Type:\s*4,ENCRYPTED/.test(body)) return true;
  if (label !== "OPENSSH PRIVATE KEY") return false;
  const bytes = Buffer.from(body.replace(/\s/g, ""), "base64");
  // PROTOCOL.key: "openssh-key-v1\0", then the cipher's name as a string.
  const at = "openssh-key-v1\0".length;
  return (
    bytes.length > at + 8 &&
    bytes.readUInt32BE(at) !== 4 &&
    bytes.subarray(0, at).toString("latin1") === "openssh-key-v1\0"
  );
}
