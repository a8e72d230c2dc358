/** Whether a login is more than the gate's forced command. */
import { at, NixsealError } from "../../core/errors.ts";
import { matchesPatternList } from "../../ssh/pattern-list.ts";
import type { DoctorFinding, Findings } from "../finding.ts";
import { readText, type DoctorHost } from "../host.ts";
import { faultsOf, forced, parseAuthorizedKeys } from "./authorized-keys.ts";
import { readSshd, type SshdSettings } from "./settings.ts";

type Severity = DoctorFinding["severity"];

/** With one of these a client chooses what the forced command itself runs or loads. */
const dangerous = [
  "NODE_OPTIONS",
  "NODE_PATH",
  "LD_PRELOAD",
  "LD_LIBRARY_PATH",
  "PATH",
  "BASH_ENV",
  "ENV",
  "NIX_REMOTE",
  "NIX_CONFIG",
  "HOME",
];

export async function* checkSsh(host: DoctorHost): Findings {
  const sshd = await readSshd(host);
  if (sshd === null) return;
  yield* rootLogin(host, sshd);
  yield* environment(sshd);
  yield* passwords(sshd, host);
  yield* keys(sshd, host);
}

async function* rootLogin(host: DoctorHost, sshd: SshdSettings): Findings {
  const value = valueOf(sshd, "permitrootlogin", "prohibit-password");
  if (value === "no" || value === "forced-commands-only") return;
  const file = "/root/.ssh/authorized_keys";
  const known = await readText(host, file);
  const count = known === null ? 0 : parseAuthorizedKeys(known).length;
  const severity: Severity = value === "yes" ? "high" : count > 0 ? "high" : "medium";
  const also = count > 0 ? `, and ${count} keys in ${file} do` : "";
  yield finding("ssh-root-login", severity, `root may log in over SSH (PermitRootLogin ${value})${also}`, {
    hint: "set PermitRootLogin no: who logs in as root needs no gate",
  });
}

function* environment(sshd: SshdSettings): Findings {
  const user = valueOf(sshd, "permituserenvironment", "no");
  if (user !== "no")
    yield finding("ssh-environment", "high", `users set their environment (PermitUserEnvironment ${user})`, {
      hint: "set PermitUserEnvironment no: NODE_OPTIONS alone runs code in the forced command",
    });
  const patterns = (sshd.values.get("acceptenv") ?? []).flatMap((value) => value.split(/\s+/));
  const taken = dangerous.filter((name) => patterns.some((pattern) => matchesPatternList(name, pattern)));
  if (taken.length > 0)
    yield finding("ssh-environment", "critical", `clients may set ${taken.join(", ")} (AcceptEnv)`, {
      hint: "let AcceptEnv name LANG and LC_* only",
    });
}

function* passwords(sshd: SshdSettings, { deploy }: DoctorHost): Findings {
  for (const [keyword, usual] of [
    ["passwordauthentication", "yes"],
    ["kbdinteractiveauthentication", "yes"],
  ] as const) {
    if (valueOf(sshd, keyword, usual) === "no") continue;
    if (/^publickey(?:,|$)/.test(valueOf(sshd, "authenticationmethods", "any"))) continue;
    yield finding("ssh-passwords", "medium", `${deploy.name} may log in with a password (${keyword})`, {
      hint: "set AuthenticationMethods publickey for the deploy user",
    });
  }
  if (valueOf(sshd, "strictmodes", "yes") === "no")
    yield finding(
      "ssh-strict-modes",
      "medium",
      "sshd takes key files that others may write (StrictModes no)",
      {
        hint: "set StrictModes yes",
      },
    );
}

async function* keys(sshd: SshdSettings, host: DoctorHost): Findings {
  const command = valueOf(sshd, "forcecommand", "none");
  const isForced = forced.test(command);
  if (command !== "none" && !isForced)
    yield finding(
      "ssh-forced-command",
      "high",
      `the deploy user's ForceCommand is not the gate's: ${command}`,
      {
        hint: 'remove it, and let each key\'s line say command="…/nixseal-agent receive"',
      },
    );
  for (const file of keyFiles(sshd, host)) {
    const text = await readText(host, file);
    if (text === null) continue;
    for (const line of parsed(text, file))
      for (const { severity, reason } of faultsOf(line))
        if (!(isForced && severity === "critical"))
          yield {
            ...finding("ssh-authorized-keys", severity, `a key of ${host.deploy.name} ${reason}`, {
              hint: 'begin its line with restrict,command="/path/to/nixseal-agent receive --member NAME"',
            }),
            file,
            line: line.line,
          };
  }
  const program = valueOf(sshd, "authorizedkeyscommand", "none");
  if (program !== "none" && !isForced)
    yield {
      ...finding(
        "ssh-authorized-keys",
        "medium",
        `keys come from a program, which is not asked here: ${program}`,
        {
          hint: "set AuthorizedKeysCommand none for the deploy user, or ForceCommand to the gate's",
        },
      ),
      verdict: "unknown",
    };
  const authorities = valueOf(sshd, "trustedusercakeys", "none");
  if (authorities !== "none" && !isForced)
    yield finding(
      "ssh-certificates",
      "high",
      `a certificate of a CA in ${authorities} logs in without a forced command`,
      {
        hint: "set TrustedUserCAKeys none for the deploy user, and name the CA in a line with cert-authority and command=",
      },
    );
}

function keyFiles(sshd: SshdSettings, { deploy }: DoctorHost): string[] {
  const words = valueOf(sshd, "authorizedkeysfile", ".ssh/authorized_keys .ssh/authorized_keys2").split(
    /\s+/,
  );
  return words
    .filter((word) => word !== "none")
    .flatMap((word) => {
      const path = word
        .replace(/%u/g, deploy.name)
        .replace(/%h/g, deploy.home ?? "")
        .replace(/%%/g, "%");
      if (path.startsWith("/")) return [path];
      return deploy.home === null ? [] : [`${deploy.home}/${path}`];
    });
}

function parsed(text: string, file: string): ReturnType<typeof parseAuthorizedKeys> {
  try {
    return parseAuthorizedKeys(text);
  } catch (error) {
    throw at(error, { file });
  }
}

/** What is set under a condition that cannot be told is not known: then the check as a whole is not. */
function valueOf({ values, conditional }: SshdSettings, keyword: string, usual: string): string {
  if (conditional.has(keyword))
    throw new NixsealError(
      "refused",
      `${keyword} stands in a Match block whose condition cannot be told here`,
      {
        hint: "look at it yourself: sshd -T -C user=DEPLOY,host=HOST,addr=ADDRESS",
      },
    );
  return values.get(keyword)?.[0] ?? usual;
}

function finding(id: string, severity: Severity, message: string, rest: { hint: string }): DoctorFinding {
  return { id, severity, verdict: "affected", message, enables: ["planting", "wildcard-sudo"], ...rest };
}
