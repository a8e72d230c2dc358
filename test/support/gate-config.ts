/** A gate's configuration as the NixOS module writes it, for the host `web` of the fleet `test`. */
export const gateConfigJson = {
  v: 1,
  fleet: "test",
  host: "web",
  tags: ["edge"],
  storeDirectory: "/nix/store",
  store: null,
  user: "deploy",
  mode: "warrants",
  root: "/etc/nixseal/root.json",
  upstream: ["cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY="],
  confirm: { within: 90 },
  health: [["/run/current-system/sw/bin/systemctl", "is-active", "sshd.service"]],
  quarantine: { bytes: 1 << 30, days: 7 },
  profile: "/nix/var/nix/profiles/system",
  hostKey: "/etc/ssh/ssh_host_ed25519_key",
};
