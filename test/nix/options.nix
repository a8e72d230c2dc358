# The module's options as a list, found by calling its files of options with a fake of nixpkgs' lib: functions of the
# same names that keep what they are given. No value is evaluated, only what describes an option.
top:
let
  inherit (builtins)
    attrNames
    concatMap
    concatStringsSep
    isString
    mapAttrs
    toJSON
    ;
  fakeLib = {
    mkOption = option: option // { isOption = true; };
    mkIf = _: content: content;
    literalExpression = text: { text = "`${text}`"; };
    literalMD = text: { inherit text; };
    inherit mapAttrs;
    types = {
      str = "string";
      bool = "boolean";
      path = "path";
      ints.unsigned = "integer from 0";
      ints.between = least: most: "integer from ${toString least} to ${toString most}";
      attrs = "attribute set";
      package = "package";
      enum = values: "one of ${concatStringsSep ", " (map toJSON values)}";
      listOf =
        element:
        if builtins.match "list of .*" element == null then
          "list of ${element}s"
        else
          "list of lists${builtins.substring 4 (-1) element}";
      nullOr = element: if isString element then "null or ${element}" else element // { orNull = true; };
      attrsOf = element: element // { each = true; };
      submodule = module: { inherit module; };
    };
  };
  optionsIn =
    file:
    (import (top + "/nix/module/${file}") {
      lib = fakeLib;
      config = { };
      pkgs = { };
    }).options.nixseal;
  optionsOf =
    module:
    if builtins.isFunction module then (module { name = "NAME"; }).options else module.options;
  defaultOf =
    option:
    if option ? defaultText then
      option.defaultText.text
    else if option ? default then
      "`${toJSON option.default}`"
    else if option.readOnly or false then
      "made by the module"
    else
      "none: required";
  walk =
    prefix: options:
    concatMap (
      name:
      let
        option = options.${name};
        path = "${prefix}.${name}";
      in
      if !(option.isOption or false) then
        walk path option
      else
        [
          {
            name = path;
            type =
              if isString option.type then
                option.type
              else if option.type.each or false then
                "attribute set"
              else
                "null or submodule";
            default = defaultOf option;
            readOnly = option.readOnly or false;
            inherit (option) description;
          }
        ]
        ++ (
          if isString option.type then
            [ ]
          else
            walk (if option.type.each or false then "${path}.NAME" else path) (optionsOf option.type.module)
        )
    ) (attrNames options);
in
walk "nixseal" (
  optionsIn "options.nix"
  // optionsIn "gate/options.nix"
  // optionsIn "pull/options.nix"
  // optionsIn "watch/options.nix"
)
