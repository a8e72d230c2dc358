# Checks for lists and tables, on top of those for text. Builtins only.
let
  inherit (builtins)
    attrNames
    elem
    filter
    genList
    head
    isAttrs
    isList
    length
    elemAt
    concatStringsSep
    ;
  text = import ./text.nix;
in
{
  # A list of at most `most` elements, each checked with its index.
  list =
    most: check: where: value:
    if !isList value then
      text.wrong where "a list" value
    else if length value > most then
      throw "nixseal: ${where}: ${toString (length value)} elements, at most ${toString most} are accepted"
    else
      genList (index: check "${where}[${toString index}]" (elemAt value index)) (length value);

  # A table with no other keys than these: a key that nobody reads is a mistake that nobody notices.
  table =
    known: where: value:
    let
      unknown = filter (key: !(elem key known)) (attrNames value);
    in
    if !isAttrs value then
      text.wrong where "a table" value
    else if unknown != [ ] then
      throw "nixseal: ${where}: unknown key '${head unknown}', expected one of ${concatStringsSep ", " known}"
    else
      value;
}
