# Which hosts a selector picks: names, globs, tag:T, and these after '!'. The same rules as
# src/inventory/selector-entry.ts. Builtins only.
let
  inherit (builtins)
    all
    any
    attrNames
    elem
    elemAt
    filter
    foldl'
    genList
    head
    isString
    length
    listToAttrs
    map
    match
    split
    stringLength
    substring
    ;
  text = import ./text.nix;
  shape = import ./shape.nix;

  # `*` stands for any characters, `?` for exactly one. Text between stars is looked for from left to right, the last
  # piece at the end: no way back, so no pattern takes exponential time. (`match` with a pattern of many stars may.)
  globMatches =
    pattern:
    let
      pieces = filter isString (split "[*]+" pattern);
      first = head pieces;
      last = elemAt pieces (length pieces - 1);
      middle = genList (index: elemAt pieces (index + 1)) (length pieces - 2);
      fits =
        piece: name: at:
        at >= 0
        && at + stringLength piece <= stringLength name
        && all (
          index:
          let
            wanted = substring index 1 piece;
          in
          wanted == "?" || wanted == substring (at + index) 1 name
        ) (genList (index: index) (stringLength piece));
      find =
        piece: name: at:
        if at + stringLength piece > stringLength name then
          null
        else if fits piece name at then
          at + stringLength piece
        else
          find piece name (at + 1);
    in
    name:
    if length pieces == 1 then
      stringLength pattern == stringLength name && fits pattern name 0
    else
      let
        reached = foldl' (at: piece: if at == null then null else find piece name at) (
          if fits first name 0 then stringLength first else null
        ) middle;
        start = stringLength name - stringLength last;
      in
      reached != null && start >= reached && fits last name start;

  # { negative, accepts = host: bool } of one entry; `host` has `name` and `tags`.
  parse =
    where: value:
    let
      entry = text.selector where value;
      negative = text.hasPrefix "!" entry;
      body = if negative then substring 1 (-1) entry else entry;
      tag = substring 4 (-1) body;
    in
    if text.hasPrefix "group:" body then
      throw "nixseal: ${where}: '${entry}' cannot select hosts: groups are of members; hosts have tags"
    else
      {
        inherit negative body;
        text = entry;
        accepts =
          if text.hasPrefix "tag:" body then
            host: elem tag host.tags
          else if match ".*[*?].*" body != null then
            let
              matches = globMatches body;
            in
            host: matches host.name
          else
            host: host.name == body;
      };
in
{
  inherit globMatches;

  # The entries of a selector, each parsed. The hosts are needed by `checked` only.
  read = shape.list 1024 parse;

  # A table of every different entry that is used to whether it matches some host; each is looked at once.
  known =
    hosts: entries:
    listToAttrs (
      map (entry: {
        name = entry.body;
        value = hosts ? ${entry.body} || any (name: entry.accepts hosts.${name}) (attrNames hosts);
      }) entries
    );

  # An entry that matches nothing is an error: it is a typo, or a secret that somebody waits for in vain.
  checked =
    known: where: entries:
    let
      lost = filter (entry: !known.${entry.body}) entries;
    in
    if lost == [ ] then
      entries
    else
      throw "nixseal: ${where}: '${(head lost).text}' matches no host ('nixseal host list' shows what there is)";

  # The union of the positive entries (all hosts, when there are only negative ones) minus that of the negative ones.
  picks =
    entries: host:
    let
      positive = filter (entry: !entry.negative) entries;
      negative = filter (entry: entry.negative) entries;
    in
    entries != [ ]
    && (positive == [ ] || any (entry: entry.accepts host) positive)
    && !(any (entry: entry.accepts host) negative);
}
