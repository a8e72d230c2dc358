# The fleet as hosts need it: validated, every default applied. Members are read when a gate asks for them; what concerns
# readers and generators is left to `nixseal fleet check`. Builtins only.
let
  inherit (builtins)
    concatMap
    attrValues
    filter
    foldl'
    elem
    mapAttrs
    ;
  text = import ./text.nix;
  shape = import ./shape.nix;
  selectors = import ./selectors.nix;

  hostKeys = [
    "address"
    "host_keys"
    "identities"
    "port"
    "principal"
    "recipients"
    "system"
    "tags"
    "user"
  ];
  memberKeys = [ "groups" "keys" "recipients" ];
  secretKeys = [
    "credential"
    "generator"
    "group"
    "hosts"
    "max_age"
    "mode"
    "owner"
    "path"
    "readers"
    "reload"
    "restart"
    "stage"
    "together"
  ];

  unique = foldl' (seen: one: if elem one seen then seen else seen ++ [ one ]) [ ];

  # Where sshd keeps the private halves of host keys that age can decrypt with.
  identityOf =
    key:
    if text.hasPrefix "ssh-ed25519 " key then
      [ "/etc/ssh/ssh_host_ed25519_key" ]
    else if text.hasPrefix "ssh-rsa " key then
      [ "/etc/ssh/ssh_host_rsa_key" ]
    else
      [ ];

  hostOf =
    name:
    { file, value, ... }:
    let
      where = "${file}: hosts.${name}";
      table = shape.table hostKeys where value;
      given = shape.list 64 text.absolutePath "${where}.identities" (table.identities or [ ]);
      keys = shape.list 16 text.key "${where}.host_keys" (table.host_keys or [ ]);
    in
    {
      inherit name;
      labels = shape.list 1024 text.name "${where}.tags" (table.tags or [ ]);
      # Empty when there is no telling; the manifest makes that an error.
      identities = builtins.deepSeq keys (
        unique (if given != [ ] then given else concatMap identityOf keys)
      );
    };

  # `keys` are "TYPE BASE64" each.
  memberOf =
    name:
    { file, value, ... }:
    let
      where = "${file}: members.${name}";
      table = shape.table memberKeys where value;
      key = where: value: if builtins.isString value && text.isKeyFile value then null else text.keyLine where value;
    in
    {
      inherit name;
      labels = shape.list 1024 text.name "${where}.groups" (table.groups or [ ]);
      keys = filter (key: key != null) (shape.list 64 key "${where}.keys" (table.keys or [ ]));
    };

  nullable = check: where: value: if value == null then null else check where value;

  # What a secret looks like on a host, from a table of fleet.toml (or the same from Nix).
  placement =
    where: name: table:
    let
      field = check: key: default: check "${where}.${key}" (table.${key} or default);
      units = shape.list 64 text.unit;
      credential = field (nullable (shape.table [ "name" "unit" ])) "credential" null;
      inCredential =
        check: key: check "${where}.credential.${key}" (credential.${key} or (throw "nixseal: ${where}.credential: '${key}' is missing"));
    in
    {
      owner = field text.account "owner" "root";
      group = field text.account "group" "root";
      mode = field text.mode "mode" "0400";
      path = field (text.secretPath name) "path" "/run/nixseal/secrets/${name}";
      restart = field units "restart" [ ];
      reload = field units "reload" [ ];
      stage = field text.stage "stage" "default";
      credential =
        if credential == null then
          null
        else
          {
            name = inCredential text.credential "name";
            unit = inCredential text.service "unit";
          };
      together = field (nullable text.name) "together" null;
    };
in
{
  inherit placement;

  # { directory, name, hosts, secrets, members } of `read.nix`'s result; `secrets.NAME.entries` say who has it.
  fleetOf =
    { directory, name, hosts, members, secrets, ... }:
    let
      hosts' = mapAttrs hostOf hosts;
      shaped = mapAttrs (
        name:
        { file, value, ... }:
        let
          where = "${file}: secrets.${name}";
          table = shape.table secretKeys where value;
        in
        {
          inherit table where;
          entries = selectors.read "hosts" "${where}.hosts" (table.hosts or [ ]);
        }
      ) secrets;
      known = selectors.known hosts' (concatMap (secret: secret.entries) (attrValues shaped));
      fleet = {
        inherit directory name;
        hosts = hosts';
        secrets = mapAttrs (
          name:
          { table, where, entries }:
          placement where name table
          // {
            inherit name;
            entries = selectors.checked known "${where}.hosts" entries;
          }
        ) shaped;
      };
    in
    # A fleet is sound as a whole or not at all, as for `nixseal`: no host is built from half of one.
    builtins.deepSeq fleet (fleet // { members = mapAttrs memberOf members; });
}
