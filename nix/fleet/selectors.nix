# Which hosts or members a selector picks: names, globs, tag:T (hosts), group:G (members), and these after '!'. The same
# rules as src/inventory/selector-entry.ts. Builtins only.
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

  kinds = {
    hosts = {
      one = "host";
      prefix = "tag:";
      foreign = "group:";
      fault = "cannot select hosts: groups are of members; hosts have tags";
    };
    members = {
      one = "member";
      prefix = "group:";
      foreign = "tag:";
      fault = "cannot select members: tags are of hosts; members have groups";
    };
  };

  # { negative, accepts = subject: bool } of one entry; a subject has `name` and `labels`: its tags or groups.
  parse =
    kind: where: value:
    let
      inherit (kinds.${kind}) prefix foreign fault one;
      entry = text.selector where value;
      negative = text.hasPrefix "!" entry;
      body = if negative then substring 1 (-1) entry else entry;
      label = substring (stringLength prefix) (-1) body;
    in
    if text.hasPrefix foreign body then
      throw "nixseal: ${where}: '${entry}' ${fault}"
    else
      {
        inherit negative body one;
        text = entry;
        accepts =
          if text.hasPrefix prefix body then
            subject: elem label subject.labels
          else if match ".*[*?].*" body != null then
            let
              matches = globMatches body;
            in
            subject: matches subject.name
          else
            subject: subject.name == body;
      };
in
{
  inherit globMatches;

  # The entries of a selector of `hosts` or `members`, each parsed. Those are needed by `checked` only.
  read = kind: shape.list 1024 (parse kind);

  # A table of every different entry that is used to whether it matches some subject; each is looked at once.
  known =
    subjects: entries:
    listToAttrs (
      map (entry: {
        name = entry.body;
        value = subjects ? ${entry.body} || any (name: entry.accepts subjects.${name}) (attrNames subjects);
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
      throw "nixseal: ${where}: '${(head lost).text}' matches no ${(head lost).one} ('nixseal ${(head lost).one} list' shows what there is)";

  # The union of the positive entries (all subjects, when there are only negative ones) minus that of the negative ones.
  picks =
    entries: subject:
    let
      positive = filter (entry: !entry.negative) entries;
      negative = filter (entry: entry.negative) entries;
    in
    entries != [ ]
    && (positive == [ ] || any (entry: entry.accepts subject) positive)
    && !(any (entry: entry.accepts subject) negative);
}
