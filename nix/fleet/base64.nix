# The text of base64 (RFC 4648, section 4), as the payload of trust/root.json is kept. Printable ASCII only, which is what
# canonical JSON of names and keys consists of; anything else is thrown at. Builtins only.
where: encoded:
let
  inherit (builtins)
    bitAnd
    concatStringsSep
    elemAt
    genList
    listToAttrs
    stringLength
    substring
    ;
  wrong = throw "nixseal: ${where}: not the base64 of printable ASCII";
  alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  values = listToAttrs (
    genList (index: {
      name = substring index 1 alphabet;
      value = index;
    }) 64
  );
  printable =
    " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";
  character = byte: if byte < 32 || byte > 126 then wrong else substring (byte - 32) 1 printable;

  groups = stringLength encoded / 4;
  group =
    index:
    let
      digit = place: substring (4 * index + place) 1 encoded;
      value = place: values.${digit place} or wrong;
      padding =
        if index + 1 < groups || digit 3 != "=" then
          0
        else if digit 2 != "=" then
          1
        else
          2;
      number =
        value 0 * 262144
        + value 1 * 4096
        + (if padding == 2 then 0 else value 2 * 64)
        + (if padding > 0 then 0 else value 3);
      bytes = [
        (number / 65536)
        (bitAnd (number / 256) 255)
        (bitAnd number 255)
      ];
    in
    concatStringsSep "" (genList (place: character (elemAt bytes place)) (3 - padding));
in
if groups * 4 != stringLength encoded || groups > 65536 then
  wrong
else
  concatStringsSep "" (genList group groups)
