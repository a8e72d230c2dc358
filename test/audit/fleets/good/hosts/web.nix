{
  config,
  lib,
  pkgs,
  ...
}:
let
  adminPorts = [ 22 ];
in
{
  services.openssh = {
    enable = true;
    settings = {
      PermitRootLogin = "no";
      PasswordAuthentication = false;
      KbdInteractiveAuthentication = false;
    };
  };

  users.users.alice = {
    isNormalUser = true;
    extraGroups = [ "wheel" ];
    hashedPasswordFile = config.nixseal.secrets.alice-password.path;
  };

  nix.settings = {
    trusted-users = [ "root" ];
    substituters = [ "https://cache.nixos.org" ];
    trusted-public-keys = [ "cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=" ];
  };

  networking.firewall.allowedTCPPorts = adminPorts ++ [ 443 ];

  systemd.services.app.serviceConfig.LoadCredential = "token:${config.nixseal.secrets.app-token.path}";

  boot.initrd.luks.devices.root.device = "/dev/disk/by-partlabel/root";
  fileSystems."/" = {
    device = "/dev/mapper/root";
    fsType = "ext4";
  };
  boot.loader.systemd-boot.editor = false;
  boot.lanzaboote.enable = true;
  security.apparmor.enable = true;
  system.stateVersion = "25.11";
}
