/** What stays up whatever is wrong with it: the ways in for those who repair, and what the system cannot be without. */
const always = [
  "-.mount",
  "*.mount",
  "NetworkManager*.service",
  "autovt@*.service",
  "basic.target",
  "console-getty.service",
  "container-getty@*.service",
  "dbus*.service",
  "dbus.socket",
  "dhcpcd.service",
  "emergency.service",
  "firewall.service",
  "getty@*.service",
  "graphical.target",
  "init.scope",
  "iwd.service",
  "local-fs.target",
  "multi-user.target",
  "network-*.service",
  "nftables.service",
  "nix-daemon.service",
  "nix-daemon.socket",
  "nixseal-*",
  "rescue.service",
  "serial-getty@*.service",
  "ssh.service",
  "ssh.socket",
  "ssh@*.service",
  "sshd*.service",
  "sshd*.socket",
  "sysinit.target",
  "systemd-*",
  "user-runtime-dir@*.service",
  "user@*.service",
  "wpa_supplicant*.service",
] as const;

/** Whether a unit is on the list of this file or of the administrator. `*` stands for any text. */
export function neverStopped(more: readonly string[]): (unit: string) => boolean {
  const patterns = [...always, ...more].map(matcher);
  return (unit) => patterns.some((matches) => matches(unit));
}

/** Without a regular expression: a list with many `*` must not cost more than a look at the name for each. */
function matcher(pattern: string): (name: string) => boolean {
  const [first, ...rest] = pattern.split("*") as [string, ...string[]];
  const last = rest.pop();
  if (last === undefined) return (name) => name === first;
  return (name) => {
    if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last))
      return false;
    let at = first.length;
    const end = name.length - last.length;
    for (const part of rest) {
      const found = name.indexOf(part, at);
      if (found === -1 || found + part.length > end) return false;
      at = found + part.length;
    }
    return true;
  };
}
