/** The Nix function that takes option values out of a configuration. It holds nothing of the target: only names of ours. */
import { namesOf } from "../configuration/option-index.ts";

/** Names of a set that `*` stands for, items of a list, characters of a text: what is more stays unknown. */
const most = 300;
const longest = 8192;

/**
 * Applied to `config`, it gives a list of `{ p = path; v = value; }` as JSON. Values bear their kind: `b` bool, `n` number, `z`
 * null, `s` text, `c` text that was cut, `p` path, `l` list, `a` set, `u` what cannot be told: functions, derivations, what throws.
 * Options of a service whose `enable` is false are passed over: they come to nothing.
 */
export function optionsExpression(options: readonly string[]): string {
  const patterns = options.map((option) => `[ ${namesOf(option).map(quoted).join(" ")} ]`).join(" ");
  return `config:
let
  inherit (builtins) attrNames concatMap deepSeq elemAt head isAttrs length listToAttrs map stringLength substring tail tryEval typeOf unsafeDiscardStringContext;
  first = count: list: builtins.genList (elemAt list) (if length list < count then length list else count);
  unknown = { t = "u"; };
  attempt = otherwise: value: let result = tryEval (deepSeq value value); in if result.success then result.value else otherwise;
  shown = depth: value:
    let kind = typeOf value; in
    if kind == "bool" then { t = "b"; v = value; }
    else if kind == "int" || kind == "float" then { t = "n"; v = value; }
    else if kind == "null" then { t = "z"; }
    else if kind == "string" then
      let text = unsafeDiscardStringContext value; in
      if stringLength text > ${longest} then { t = "c"; v = substring 0 ${longest} text; } else { t = "s"; v = text; }
    else if kind == "path" then { t = "p"; v = builtins.toString value; }
    else if depth == 0 then unknown
    else if kind == "list" then {
      t = "l";
      v = map (item: attempt unknown (shown (depth - 1) item)) (first ${most} value);
      w = length value <= ${most};
    }
    else if kind == "set" && !(value ? outPath) && !(value ? __functor) then {
      t = "a";
      v = listToAttrs (map (name: { inherit name; value = attempt unknown (shown (depth - 1) value.\${name}); }) (first ${most} (attrNames value)));
      w = length (attrNames value) <= ${most};
    }
    else unknown;
  at = path: here: value:
    if path == [ ] then [ { p = here; v = attempt unknown (shown 4 value); } ]
    else if !(isAttrs value) then [ ]
    else if path != [ "enable" ] && attempt false (value ? enable && value.enable == false) then [ ]
    else if head path == "*" then concatMap (name: at (tail path) (here ++ [ name ]) value.\${name}) (first ${most} (attrNames value))
    else if value ? \${head path} then at (tail path) (here ++ [ (head path) ]) value.\${head path}
    else [ ];
in
concatMap (path: attempt [ { p = path; v = unknown; } ] (at path [ ] config)) [ ${patterns} ]
`;
}

/** A Nix string: names of options hold no more than these characters. */
function quoted(name: string): string {
  if (!/^[A-Za-z0-9._*/-]+$/.test(name)) throw new TypeError(`not the name of an option: ${name}`);
  return `"${name}"`;
}
