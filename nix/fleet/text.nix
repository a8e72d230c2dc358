# What single values of fleet.toml may look like: the rules of src/inventory/field-rules.ts and
# src/secrets/manifest-fields.ts for whatever ends up in a manifest. A value that breaks its rule is thrown at, never
# passed on. Builtins only.
let
  inherit (builtins)
    all
    filter
    fromJSON
    isString
    length
    map
    match
    replaceStrings
    split
    stringLength
    substring
    typeOf
    ;

  # std::regex, which `match` is made of, recurses on its input: only short text gets there.
  matches =
    most: pattern: text:
    stringLength text <= most && match pattern text != null;

  hexDigits = [ "0" "1" "2" "3" "4" "5" "6" "7" "8" "9" "a" "b" "c" "d" "e" "f" ];
  character = code: fromJSON "\"\\u00${code}\"";
  # U+0001–U+001F, U+007F and U+0080–U+009F. Nix has no text with U+0000 in it, see read.nix.
  controls =
    map (digit: character "0${digit}") (filter (digit: digit != "0") hexDigits)
    ++ map (digit: character "1${digit}") hexDigits
    ++ [ (character "7f") ]
    ++ map (digit: character "8${digit}") hexDigits
    ++ map (digit: character "9${digit}") hexDigits;
  hasControl = text: replaceStrings controls (map (_: "") controls) text != text;

  hasPrefix = prefix: text: substring 0 (stringLength prefix) text == prefix;

  isPart = part: part != "" && part != "." && part != ".." && stringLength part <= 255;
  isAbsolute =
    text:
    stringLength text <= 1024
    && hasPrefix "/" text
    && !hasControl text
    && all isPart (filter isString (split "/" (substring 1 (-1) text)));

  # systemd.unit(5). A backslash in a bracket means different things to different regex libraries.
  unitStem = "[A-Za-z0-9:_.@][A-Za-z0-9:_.@-]{0,240}";
  isUnit =
    kinds: text: matches 255 "${unitStem}\\.(${kinds})" (replaceStrings [ "\\" ] [ "_" ] text);
  unitKinds = "service|socket|target|timer|path|mount|automount|slice|scope|swap|device";

  # Short, one line, and never a private key that was pasted into the wrong place.
  shown =
    value:
    if !isString value then
      {
        list = "a list";
        set = "a table";
        int = "a number";
        float = "a number";
        bool = "a boolean";
      }
      .${typeOf value} or "something else"
    else if length (split "SECRET-KEY|PRIVATE KEY" (substring 0 200 value)) > 1 then
      "a private key (not shown)"
    else
      "\"${replaceStrings controls (map (_: "?") controls) (substring 0 60 value)}\"";

  wrong =
    where: expected: value:
    throw "nixseal: ${where}: found ${shown value}, expected ${expected} ('nixseal fleet check' says where)";

  rule =
    expected: accepts: where: value:
    if isString value && accepts value then value else wrong where expected value;

  # Whether the blob is what its type says is left to `nixseal fleet check`.
  key = rule "an SSH public key (\"ssh-ed25519 AAAA…\", as in a .pub file)" (
    text:
    let
      words = filter isString (split " " text);
    in
    stringLength text <= 16384
    && !hasControl text
    && length words > 1
    && matches 64 "[A-Za-z0-9@._-]+" (builtins.head words)
    && matches 4096 "[A-Za-z0-9+/]+={0,2}" (builtins.elemAt words 1)
  );
in
{
  inherit hasPrefix wrong;

  name = rule "a name (letters, digits, '.', '_', '-'; at most 64; begins with a letter or digit)" (
    matches 64 "[A-Za-z0-9][A-Za-z0-9._-]*"
  );

  selector =
    rule "a selector: a name, a glob or tag:T, or one of these after '!'"
      (matches 70 "!?((tag:|group:)[A-Za-z0-9][A-Za-z0-9._-]{0,63}|[A-Za-z0-9*?][A-Za-z0-9._*?-]{0,63})");

  # A number stays below 2^32-1, the kernel's "no change".
  account = rule "the name or number of an account, as text" (
    text:
    matches 65 "[A-Za-z_][A-Za-z0-9._-]{0,63}[$]?" text
    || (matches 10 "0|[1-9][0-9]*" text && fromJSON text < 4294967295)
  );

  mode = rule "a mode as text of 4 octal digits such as \"0400\", not writable for others" (
    matches 4 "0[0-7][0-7][0145]"
  );

  absolutePath = rule "an absolute path without '.', '..', empty parts or a '/' at its end" isAbsolute;

  # Its place in our tree, or outside of our tree and of the store.
  secretPath =
    secret:
    rule "/run/nixseal/secrets/${secret}, or an absolute path outside of /run/nixseal and /nix/store" (
      text:
      text == "/run/nixseal/secrets/${secret}"
      || (
        isAbsolute text
        && !(hasPrefix "/run/nixseal/" text)
        && !(hasPrefix "/nix/store/" text)
        && !(builtins.elem text [ "/run" "/run/nixseal" "/nix/store" ])
      )
    );

  unit = rule "the name of a systemd unit, such as \"grafana.service\"" (isUnit unitKinds);
  service = rule "the name of a service, such as \"grafana.service\"" (isUnit "service");
  credential = rule "a credential's name (letters, digits, '.', '_', ':', '-')" (
    matches 255 "[A-Za-z0-9_][A-Za-z0-9._:-]*"
  );
  stage = rule "\"default\" or \"users\"" (text: text == "default" || text == "users");
  # An OpenPGP certificate, which lies in a file of its own.
  isKeyFile = matches 139 "trust/keys/[A-Za-z0-9][A-Za-z0-9._-]{0,127}";

  inherit key;
  # The same as "TYPE BASE64": what a comment holds may not end up in a file of sshd.
  keyLine =
    where: value:
    let
      words = filter isString (split " " (key where value));
    in
    "${builtins.head words} ${builtins.elemAt words 1}";
}
