# Reads fleet.toml and the files that it includes into { name → { file, value } } tables. Builtins only, and pure:
# what is read lies below the fleet's directory.
fleetDir:
let
  inherit (builtins)
    addErrorContext
    attrNames
    concatLists
    concatMap
    elem
    filter
    fromTOML
    groupBy
    head
    isAttrs
    isString
    length
    map
    mapAttrs
    match
    pathExists
    readDir
    readFile
    replaceStrings
    sort
    split
    stringLength
    ;
  text = import ./text.nix;
  shape = import ./shape.nix;
  inherit (import ./selectors.nix) globMatches;

  directory = if isAttrs fleetDir then fleetDir.outPath else fleetDir;
  at = path: directory + "/${path}";

  # Nix 2.8 ends a text at U+0000 without a word, so that "/run/a\u0000b" would become "/run/a".
  withoutNul =
    path: toml:
    if replaceStrings [ "\\u0000" "\\U00000000" ] [ "" "" ] toml == toml then
      toml
    else
      throw "nixseal: ${path}: text may not hold control characters, found \\u0000";

  parse =
    path:
    addErrorContext "while nixseal reads ${path}" (
      if pathExists (at path) then
        fromTOML (withoutNul path (readFile (at path)))
      else
        throw "nixseal: there is no ${path} in ${toString directory}; in a flake it must be known to git ('git add')"
    );

  isInclude =
    pattern:
    isString pattern
    && stringLength pattern <= 1024
    && match "([A-Za-z0-9*?_][A-Za-z0-9*?._ -]*/){0,8}[A-Za-z0-9*?_][A-Za-z0-9*?._ -]*[.]toml" pattern != null;

  # Files that a pattern matches, part by part. Hidden names are never matched: editors keep temporary files there.
  expand =
    parents: parts:
    let
      last = length parts == 1;
      part = head parts;
      accepts = globMatches part;
      kindOf = kind: if last then elem kind [ "regular" "symlink" ] else elem kind [ "directory" "symlink" ];
      inParent =
        parent:
        let
          kinds = readDir (at parent);
        in
        map (name: if parent == "." then name else "${parent}/${name}") (
          filter (
            name: !(text.hasPrefix "." name) && accepts name && kindOf kinds.${name}
          ) (attrNames kinds)
        );
      found = filter (path: pathExists (at path)) (concatMap inParent parents);
    in
    if last then found else expand found (builtins.tail parts);

  includedBy =
    pattern:
    let
      found = expand [ "." ] (filter isString (split "/" pattern));
    in
    if !(isInclude pattern) then
      text.wrong "fleet.toml: include" "a relative path or glob that ends in \".toml\"" pattern
    else if found == [ ] && match ".*[*?].*" pattern == null then
      throw "nixseal: fleet.toml: include: '${pattern}' is not there"
    else
      found;

  entries = [ "hosts" "members" "secrets" ];
  top = shape.table (
    [
      "fleet"
      "include"
      # for operators; nothing of these concerns a host
      "deploy"
      "state"
    ]
    ++ entries
  ) "fleet.toml" (parse "fleet.toml");
  included = attrNames (
    groupBy (path: path) (
      filter (path: path != "fleet.toml") (
        concatLists (shape.list 256 (_: includedBy) "fleet.toml: include" (top.include or [ ]))
      )
    )
  );
  files = [
    {
      file = "fleet.toml";
      value = top;
    }
  ]
  ++ map (file: {
    inherit file;
    value = shape.table entries file (parse file);
  }) included;

  # One name, one entry: which of two would count must not depend on the order of files.
  gather =
    kind:
    let
      all = concatMap (
        { file, value }:
        let
          table = value.${kind} or { };
        in
        if !isAttrs table then
          text.wrong "${file}: ${kind}" "a table" table
        else
          map (name: {
            name = text.name "${file}: ${kind}" name;
            inherit file;
            value = table.${name};
          }) (attrNames table)
      ) files;
      only =
        name: found:
        if length found == 1 then
          head found
        else
          throw "nixseal: [${kind}.${name}] is in ${
            builtins.concatStringsSep " and in " (map (entry: entry.file) found)
          }: keep one of them";
    in
    mapAttrs only (groupBy (entry: entry.name) all);
in
{
  inherit directory;
  files = map (entry: entry.file) files;
  name = text.name "fleet.toml: fleet.name" (
    (shape.table [ "host_ca" "name" ] "fleet.toml: fleet" (top.fleet or { })).name or "fleet"
  );
  hosts = gather "hosts";
  members = gather "members";
  secrets = gather "secrets";
}
