{
  config,
  lib,
  pkgs,
  ...
}:
{
  services.openssh = {
    enable = true;
    settings = {
      PermitRootLogin = "yes";
      PasswordAuthentication = lib.mkForce true;
      X11Forwarding = config.web.forward;
    };
  };

  users.users.alice = {
    isNormalUser = true;
    extraGroups = [
      "wheel"
      "docker"
    ];
    initialPassword = "correct horse";
  };

  nix.settings = {
    require-sigs = false;
    trusted-users = [
      "root"
      "@wheel"
    ];
    substituters = [ "http://cache.example.org" ];
  };

  security.sudo.wheelNeedsPassword = false;
  security.sudo.extraRules = [
    {
      users = [ "deploy" ];
      commands = [
        {
          command = "/nix/store/*/bin/switch-to-configuration";
          options = [ "NOPASSWD" ];
        }
      ];
    }
  ];

  networking.firewall.enable = false;
  networking.firewall.allowedTCPPorts = [
    443
    2379
  ];

  systemd.services.app.environment.DB_PASSWORD = "battery staple";
  environment.etc."app/token".text = builtins.readFile ../secrets/token;

  fileSystems."/" = {
    device = "/dev/sda1";
    fsType = "ext4";
  };
  boot.loader.systemd-boot.enable = true;
  system.stateVersion = "24.11";
}
