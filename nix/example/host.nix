# A whole host for the flake's check and the module's test: Grafana with a password, a user with another, and one
# secret more that only Nix knows.
{ config, ... }:
{
  networking.hostName = "lufta";
  system.stateVersion = "24.11";
  boot.loader.grub.device = "nodev";
  fileSystems."/" = {
    device = "/dev/disk/by-label/nixos";
    fsType = "ext4";
  };
  services.openssh.enable = true;

  nixseal = {
    enable = true;
    fleet = ./.;
    secrets.grafana-admin.restart = [ "grafana.service" ];
    secrets.wifi.file = ./secrets/wifi.age;
  };

  users.users.grafana = {
    isSystemUser = true;
    group = "grafana";
  };
  users.groups.grafana = { };
  users.users.alice = {
    isNormalUser = true;
    hashedPasswordFile = config.nixseal.secrets.alice-password.path;
  };
}
