/** How members reach the gate: one account, whose every key is one member's forced command. */

/** A member who may log in. */
export interface Login {
  readonly name: string;
  /** `TYPE BASE64` each, without a comment: what that holds may not end up in a file of sshd. */
  readonly keys: readonly string[];
}

export const keysFile = "/etc/nixseal/authorized_keys";

/**
 * The lines of authorized_keys (sshd(8)). `authorities` are keys of CAs whose login certificates are taken too, with the member's
 * name as the principal. A certificate of `nixseal trust issue` is no login: sshd refuses the critical option that it does not know.
 */
export function authorizedKeys(
  agent: string,
  members: readonly Login[],
  authorities: readonly string[],
): string {
  const line = (name: string, marks: string, key: string): string =>
    `restrict,${marks}command="${agent} receive --member ${name}" ${key}\n`;
  return members
    .flatMap(({ name, keys }) => [
      ...keys.map((key) => line(name, "", key)),
      ...authorities.map((key) => line(name, `cert-authority,principals="${name}",`, key)),
    ])
    .join("");
}

/**
 * A Match block of sshd_config(5) for the deploy user, and the end of it. ExposeAuthInfo tells `receive` which key it was, whose
 * certificate it then asks for. SetEnv takes back what an AcceptEnv for everybody would let the client say to the shell, the linker and Node.
 */
export function sshdSettings(user: string): string {
  return `Match User ${user}
  AuthenticationMethods publickey
  AuthorizedKeysFile ${keysFile}
  AuthorizedKeysCommand none
  TrustedUserCAKeys none
  AuthorizedPrincipalsFile none
  DisableForwarding yes
  PermitTTY no
  PermitTunnel no
  PermitUserRC no
  ExposeAuthInfo yes
  SetEnv NODE_OPTIONS= NODE_PATH= BASH_ENV= ENV= LD_PRELOAD= LD_LIBRARY_PATH=
  MaxSessions 10
  ClientAliveInterval 15
  ClientAliveCountMax 4
Match all
`;
}

/**
 * The account, for systemd-sysusers (sysusers.d(5)). Its home belongs to root, so that it has no file that a shell or sshd would
 * read. A shell it needs: sshd starts the forced command with it.
 */
export function accountLines(user: string, groups: readonly string[]): string {
  const joins = groups.map((group) => `m ${user} ${group}\n`).join("");
  return `u ${user} - "Uploads and deployments" /var/lib/nixseal /bin/sh\n${joins}`;
}

/** pam_limits(8): what the account may use in all of its sessions together. Many connections end here, not at the machine's limits. */
export function accountLimits(user: string): string {
  const limits = [
    ["nproc", 512],
    ["nofile", 1024],
    ["core", 0],
  ] as const;
  return limits.map(([item, value]) => `${user} hard ${item} ${value}\n`).join("");
}

/** sudoers(5): one command, with its one argument, so that sudo takes no other. The message comes on stdin. */
export function sudoLines(user: string, agent: string, searchPath: string): string {
  return `Defaults!${agent} env_reset, !setenv, !use_pty, secure_path="${searchPath}"
${user} ALL=(root) NOPASSWD: ${agent} activate
`;
}
