# One host. Bring your own hardware configuration; what matters here is the name, sshd and who uses a secret.
{ ... }:
{
  networking.hostName = "lufta";
  nixpkgs.hostPlatform = "x86_64-linux";
  system.stateVersion = "24.11";
  services.openssh.enable = true;

  boot.loader.grub.device = "/dev/sda";
  fileSystems."/" = {
    device = "/dev/disk/by-label/nixos";
    fsType = "ext4";
  };

  services.grafana.enable = true;
  # services.grafana.settings.security.admin_password =
  #   "$__file{${config.nixseal.secrets.grafana-admin.path}}";
}
