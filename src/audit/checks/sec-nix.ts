import { lastName } from "../configuration/module-functions.ts";
import { hole, textsOf } from "../configuration/value.ts";
import type { Expression } from "../nix-language/ast.ts";
import type { Check } from "./check.ts";
import { hasText, isLiteralSecret, isPlaceholder } from "./judges.ts";
import { secretName } from "./secret-patterns.ts";

const areas = ["config", "secrets"] as const;
const store =
  "The store is world-readable: every local user and process, every cache and every build machine has it.";
const useFile =
  "keep the value with 'nixseal secrets set' and name its file: config.nixseal.secrets.NAME.path";
const cwe = "https://cwe.mitre.org/data/definitions/798.html";

/** Secrets that a Nix expression puts into the world-readable store. */
export const secretOptionChecks: readonly Check[] = [
  {
    looksAt: "option",
    id: "SEC010",
    name: "password-literal",
    severity: "high",
    areas,
    title: "a user's password is written in the configuration",
    means: `${store} An initial password stays until somebody changes it.`,
    fix: 'use hashedPasswordFile with a secret of stage "users", or keys alone',
    references: ["https://search.nixos.org/options?show=users.users.%3Cname%3E.hashedPasswordFile", cwe],
    options: ["users", "extraUsers"].flatMap((set) =>
      ["password", "initialPassword"].map((name) => `users.${set}.*.${name}`),
    ),
    judge: (value) =>
      value.kind === "text" && value.whole
        ? { secret: value.text, ...(value.text === "" ? { message: "a user has an empty password" } : {}) }
        : "fine",
  },
  {
    looksAt: "option",
    id: "SEC011",
    name: "password-hash",
    severity: "medium",
    areas,
    title: "the hash of a user's password is written in the configuration",
    means: `${store} A weak password is found from its hash in hours.`,
    fix: 'use hashedPasswordFile with a secret of stage "users"',
    references: ["https://search.nixos.org/options?show=users.users.%3Cname%3E.hashedPasswordFile"],
    options: ["users", "extraUsers"].flatMap((set) =>
      ["hashedPassword", "initialHashedPassword"].map((name) => `users.${set}.*.${name}`),
    ),
    judge: (value) => {
      if (value.kind !== "text" || !value.whole) return "fine";
      if (value.text === "") return { severity: "high", message: "a user logs in without a password" };
      return /^[!*]/.test(value.text) ? "fine" : { secret: value.text };
    },
  },
  {
    looksAt: "option",
    id: "SEC012",
    name: "secret-in-environment",
    severity: "high",
    areas,
    title: "a secret is set in a unit's environment",
    means: `${store} Units are readable by everybody, and so is what systemctl shows of them.`,
    fix: "use serviceConfig.LoadCredential or EnvironmentFile with a file outside the store",
    references: ["https://systemd.io/CREDENTIALS/", cwe],
    options: [
      "systemd.services.*.environment.*",
      "systemd.user.services.*.environment.*",
      "environment.variables.*",
      "environment.sessionVariables.*",
      "virtualisation.oci-containers.containers.*.environment.*",
    ],
    lastName: secretName,
    judge: isLiteralSecret,
  },
  {
    looksAt: "option",
    id: "SEC013",
    name: "environment-line",
    severity: "high",
    areas,
    title: "a secret is set in a unit's Environment= line",
    means: `${store} Units are readable by everybody.`,
    fix: "use LoadCredential or EnvironmentFile with a file outside the store",
    references: ["https://systemd.io/CREDENTIALS/", cwe],
    options: ["serviceConfig.Environment"],
    judge: (value) => {
      for (const text of textsOf(value)) {
        const [, name, secret] = /(?:^|\s)"?([A-Za-z_][A-Za-z0-9_]*)=([^\s"]{3,})/.exec(text) ?? [];
        if (
          name !== undefined &&
          secret !== undefined &&
          secretName.test(name) &&
          !isPlaceholder(secret) &&
          !secret.includes(hole)
        )
          return { secret };
      }
      return "fine";
    },
  },
  {
    looksAt: "option",
    id: "SEC014",
    name: "secret-in-argv",
    severity: "medium",
    areas,
    title: "a secret is given on a unit's command line",
    means: "Every local user sees the arguments of every process, and the store has them too.",
    fix: "give it in a file (LoadCredential) or on stdin",
    references: ["https://cwe.mitre.org/data/definitions/214.html"],
    options: [
      "serviceConfig.ExecStart",
      "serviceConfig.ExecStartPre",
      "systemd.services.*.script",
      "systemd.services.*.preStart",
    ],
    judge: (value) => {
      for (const text of textsOf(value)) {
        const secret =
          /\s--?(?:[a-z]+-)*(?:password|passwd|token|secret|api-?key)[= ]["']?([^\s"'$%@<{/-][^\s"'$]{3,})/i.exec(
            text,
          )?.[1];
        if (secret !== undefined && !secret.includes(hole) && !isPlaceholder(secret)) return { secret };
      }
      return "fine";
    },
  },
  {
    looksAt: "option",
    id: "SEC015",
    name: "secret-option-literal",
    severity: "high",
    areas,
    title: "an option that is meant for a secret is set to a value in the configuration",
    means: store,
    fix: `take the option that reads a file (often …File), and ${useFile}`,
    references: [cwe],
    options: ["services.*.**", "networking.**", "programs.**", "virtualisation.**"],
    lastName: secretName,
    judge: (value, definition) => {
      const { path } = definition;
      // Those have checks of their own.
      const elsewhere =
        path.includes("environment") ||
        path.includes("serviceConfig") ||
        path.at(-3) === "users" ||
        path.at(-1) === "privateKey";
      return elsewhere ? "fine" : isLiteralSecret(value, definition);
    },
  },
  {
    looksAt: "option",
    id: "SEC016",
    name: "secret-file-in-store",
    severity: "high",
    areas,
    title: "a secret's file is copied into the store",
    means: `A path without quotes is copied. ${store}`,
    fix: `write the path of a file on the host, in quotes; ${useFile}`,
    references: ["https://nix.dev/manual/nix/latest/language/types#type-path"],
    options: ["**"],
    lastName:
      /(?:passw(?:or)?d|passphrase|secret|token|privateKey|signingKey|psk|credentials?|sshKey|environment|^key)(?:-?key)?Files?$/i,
    judge: (value) => {
      if (value.kind !== "path" || /^[/<~]/.test(value.text)) return "fine";
      const encrypted = /\.(?:age|enc|pub|crt|gpg|sops)$|(?:^|\/)secrets\/[^/]+\.(?:ya?ml|json)$/i;
      return encrypted.test(value.text) ? "fine" : {};
    },
  },
  {
    looksAt: "option",
    id: "SEC017",
    name: "signing-key-in-store",
    severity: "critical",
    areas: ["config", "secrets", "trust"],
    title: "Nix's signing key lies in the repository or the store",
    means: "Whoever reads it signs store paths that every host takes.",
    fix: "keep it as a secret and name its path under /run",
    references: ["https://nix.dev/manual/nix/latest/command-ref/conf-file#conf-secret-key-files"],
    options: [
      "nix.settings.secret-key-files",
      "nix.settings.secret-key-file",
      "services.nix-serve.secretKeyFile",
      "services.harmonia.signKeyPaths",
      "services.harmonia.signKeyPath",
    ],
    judge: (value, definition) => {
      const items = value.kind === "list" ? value.items : [value];
      if (items.some((item) => item.kind === "path" && !/^[/~<]/.test(item.text))) return {};
      return hasText((text) => text.startsWith("/nix/store/"))(value, definition) === "fine"
        ? "fine"
        : "unknown";
    },
  },
  {
    looksAt: "expression",
    id: "SEC018",
    name: "read-secret-at-evaluation",
    severity: "high",
    areas,
    title: "a secret is read while Nix evaluates, and so ends up in the store",
    means: store,
    fix: "give the program the path of the file instead of its contents",
    references: ["https://nix.dev/manual/nix/latest/language/builtins#builtins-readFile"],
    kinds: ["call"],
    find: (expression) => {
      if (
        expression.kind !== "call" ||
        !["readFile", "fileContents", "importJSON", "importTOML"].includes(lastName(expression.callee) ?? "")
      )
        return null;
      return namesSecret(expression.arguments[0]!) ? {} : null;
    },
  },
];

/** `./secrets/x`, `"/run/secrets/x"`, `config.age.secrets.x.path`, `cfg.passwordFile`. Public keys and ciphertext are no secrets. */
function namesSecret(expression: Expression): boolean {
  if (expression.kind === "path" || expression.kind === "string") {
    const known = expression.parts.map((part) => (part.kind === "text" ? part.text : "")).join("");
    if (/\.(?:pub|crt|nix|age|md|example)$/i.test(known)) return false;
    if (
      /\/run\/(?:secrets|agenix|keys|credentials|nixseal)|(?:^|[/_.-])(?:secrets?|passw(?:or)?ds?|tokens?|private|id_(?:rsa|ed25519|ecdsa)|credentials?|psk)(?:[/_.-]|$)/i.test(
        known,
      )
    )
      return true;
    return expression.parts.some((part) => part.kind === "interpolation" && namesSecret(part.expression));
  }
  if (expression.kind !== "select") return false;
  const names = expression.path.map((part) => (part.kind === "name" ? part.name : ""));
  const managed =
    ["age", "sops", "nixseal"].includes(names[0]!) && names[1] === "secrets" && names.at(-1) === "path";
  return managed || /(?:passw(?:or)?d|secret|token|privateKey|credentials?)File$/i.test(names.at(-1)!);
}
