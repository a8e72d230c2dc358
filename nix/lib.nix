# The fleet and the manifests of its hosts, from fleet.toml and without nixpkgs. Pure: works in flakes, on Nix 2.8 and
# later. What it computes equals `nixseal secrets manifest HOST` byte for byte (without the newline at the end).
# What is wrong in fleet.toml is thrown at with its file and key; `nixseal fleet check` tells line and column too.
let
  inherit (builtins)
    attrNames
    attrValues
    filter
    groupBy
    hashFile
    head
    length
    listToAttrs
    map
    pathExists
    toJSON
    ;
  model = import ./fleet/model.nix;
  selectors = import ./fleet/selectors.nix;

  # The fleet in a directory (a path, a store path as text, or a flake): { directory, name, hosts, secrets, members }.
  readFleet = fleetDir: model.fleetOf (import ./fleet/read.nix fleetDir);

  hostOf =
    fleet: host:
    fleet.hosts.${host}
      or (throw "nixseal: there is no host '${host}' in the fleet; 'nixseal host list' shows what there is");

  # The secrets of a host, by name, as fleet.toml has them.
  secretsOf =
    fleet: host:
    let
      subject = hostOf fleet host;
    in
    listToAttrs (
      map (secret: {
        inherit (secret) name;
        value = removeAttrs secret [ "entries" ];
      }) (filter (secret: selectors.picks secret.entries subject) (attrValues fleet.secrets))
    );

  # The members that a selector picks, by name: { name, keys, labels }.
  membersOf =
    fleet: where: selector:
    let
      entries = selectors.read "members" where selector;
      known = selectors.known fleet.members entries;
    in
    filter (selectors.picks (selectors.checked known where entries)) (attrValues fleet.members);

  # Where the ciphertext of a secret lies.
  ciphertextOf = fleet: name: fleet.directory + "/secrets/${name}.age";

  digestOf =
    name: file:
    if pathExists file then
      hashFile "sha256" file
    else
      throw "nixseal: there is no ${toString file}; make it with 'nixseal secrets set ${name}' (in a flake, 'git add' it too)";

  # A manifest from its parts. `secrets`: { NAME = placement // { file = ciphertext; }; }.
  manifestOf =
    {
      host,
      identities,
      secrets,
    }:
    let
      one = name: {
        inherit name;
        inherit (secrets.${name})
          credential
          group
          mode
          owner
          path
          reload
          restart
          stage
          together
          ;
        digest = digestOf name secrets.${name}.file;
        source = "secrets/${name}.age";
      };
      list = map one (attrNames secrets);
      clash = filter (same: length same > 1) (attrValues (groupBy (secret: secret.path) list));
    in
    if identities == [ ] then
      throw "nixseal: the host '${host}' has neither identities nor a host key that age can use: name the file with its private key (hosts.${host}.identities)"
    else if clash != [ ] then
      throw "nixseal: '${(head (head clash)).path}' is the path of more than one secret of '${host}': ${
        builtins.concatStringsSep ", " (map (secret: secret.name) (head clash))
      }"
    else
      {
        version = 1;
        inherit host identities;
        secrets = list;
      };

  # What a host installs, from fleet.toml alone.
  manifest =
    { fleetDir, host }:
    let
      fleet = readFleet fleetDir;
    in
    manifestOf {
      inherit host;
      inherit (hostOf fleet host) identities;
      secrets = builtins.mapAttrs (name: secret: secret // { file = ciphertextOf fleet name; }) (
        secretsOf fleet host
      );
    };
in
{
  inherit
    readFleet
    hostOf
    secretsOf
    membersOf
    ciphertextOf
    manifestOf
    manifest
    ;
  inherit (model) placement;

  # The manifest as canonical JSON: builtins.toJSON sorts keys and writes no white space.
  manifestJson = arguments: toJSON (manifest arguments);
}
