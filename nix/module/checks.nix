# What cannot work is an assertion; what probably does not is a warning.
{ config, lib, ... }:
let
  inherit (lib)
    any
    attrValues
    concatMap
    elem
    filter
    filterAttrs
    hasPrefix
    mapAttrsToList
    optional
    ;
  cfg = config.nixseal;
  inherit (import ./stages.nix { inherit config lib; }) hasUsersStage;

  isNumber = account: builtins.match "[0-9]+" account != null;
  lacking =
    declared: account:
    account != "root" && !(isNumber account) && !(any (one: one.name == account) (attrValues declared));

  # The file system that a path lies on, as far as the configuration tells.
  fileSystemOf =
    path:
    let
      above = filter (
        fs: fs.mountPoint == "/" || fs.mountPoint == path || hasPrefix "${fs.mountPoint}/" path
      ) (attrValues config.fileSystems);
      deeper = a: b: if builtins.stringLength b.mountPoint > builtins.stringLength a.mountPoint then b else a;
    in
    if above == [ ] then null else lib.foldl' deeper (builtins.head above) above;

  # nixpkgs: lib/utils.nix, pathsNeededForBoot.
  earlyMounts = [
    "/"
    "/nix"
    "/nix/store"
    "/var"
    "/var/log"
    "/var/lib"
    "/var/lib/nixos"
    "/etc"
    "/usr"
  ];
  isLate =
    path:
    let
      fs = fileSystemOf path;
    in
    fs != null && !fs.neededForBoot && !(elem fs.mountPoint earlyMounts);
  isVolatile =
    path:
    let
      fs = fileSystemOf path;
    in
    fs != null && elem fs.fsType [ "tmpfs" "ramfs" ];

  openssh = config.services.openssh;
  isUnmade =
    path:
    hasPrefix "/etc/ssh/ssh_host_" path
    && !(openssh.enable && any (key: key.path == path) openssh.hostKeys);

  ofRootOnly = secret: elem secret.owner [ "root" "0" ] && elem secret.group [ "root" "0" ];
  inStage = stage: filterAttrs (_: secret: secret.stage == stage) cfg.secrets;
in
{
  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = cfg.identities != [ ];
        message = "nixseal: '${cfg.host}' has no identity to decrypt with; set hosts.${cfg.host}.identities in fleet.toml, or nixseal.identities";
      }
      {
        assertion = !(any (hasPrefix builtins.storeDir) cfg.identities);
        message = "nixseal: an identity is in the Nix store, where everybody can read it; write its path as text, and make a new key";
      }
    ]
    ++ mapAttrsToList (name: secret: {
      assertion = ofRootOnly secret;
      message = "nixseal: the secret '${name}' is of stage users, so it is installed before '${secret.owner}' and '${secret.group}' exist: its owner and group must be root";
    }) (inStage "users")
    ++ map (path: {
      assertion = !(hasUsersStage && isLate path);
      message = "nixseal: ${path} is on ${(fileSystemOf path).mountPoint}, which is mounted after users are made, and there are secrets of stage users: set fileSystems.\"${(fileSystemOf path).mountPoint}\".neededForBoot = true";
    }) cfg.identities;

    warnings =
      concatMap (
        path:
        optional (isUnmade path)
          "nixseal: ${path} is an identity, but services.openssh does not make that key here. If it is not put there by hand, no secret can be decrypted; see services.openssh.hostKeys"
        ++ optional (isVolatile path)
          "nixseal: ${path} is on a file system in memory and is gone after a reboot. Keep the key on a persistent one and set hosts.${cfg.host}.identities, for example [\"/persist${path}\"]"
      ) cfg.identities
      ++ lib.concatLists (
        mapAttrsToList (
          name: secret:
          optional (lacking config.users.users secret.owner)
            "nixseal: the secret '${name}' is for the user '${secret.owner}', which the configuration does not declare"
          ++ optional (lacking config.users.groups secret.group)
            "nixseal: the secret '${name}' is for the group '${secret.group}', which the configuration does not declare"
        ) (inStage "default")
      );
  };
}
