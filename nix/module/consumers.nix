# The units that use secrets: ordered after the installation, and given their credentials.
{ config, lib, ... }:
let
  inherit (lib)
    attrValues
    concatMap
    filter
    genAttrs
    hasSuffix
    mkMerge
    removeSuffix
    unique
    ;
  cfg = config.nixseal;
  secrets = attrValues cfg.secrets;
  credentials = filter (secret: secret.credential != null) secrets;

  users = unique (
    concatMap (secret: secret.restart ++ secret.reload) secrets
    ++ map (secret: secret.credential.unit) credentials
  );
  namesOf = kind: map (removeSuffix ".${kind}") (filter (hasSuffix ".${kind}") users);

  # An instance of a template has no file of its own: a full unit would hide the template.
  isInstance = name: builtins.match "[^@]+@.+" name != null;
  ordered = name: {
    after = [ "nixseal-secrets.service" ];
    wants = [ "nixseal-secrets.service" ];
    overrideStrategy = lib.mkIf (isInstance name) (lib.mkDefault "asDropin");
  };
in
{
  config = lib.mkIf cfg.enable {
    systemd = {
      services = mkMerge (
        [ (genAttrs (namesOf "service") ordered) ]
        ++ map (secret: {
          ${removeSuffix ".service" secret.credential.unit}.serviceConfig.LoadCredential = [
            "${secret.credential.name}:${builtins.replaceStrings [ "%" ] [ "%%" ] secret.path}"
          ];
        }) credentials
      );
      sockets = genAttrs (namesOf "socket") ordered;
      timers = genAttrs (namesOf "timer") ordered;
      paths = genAttrs (namesOf "path") ordered;
      targets = genAttrs (namesOf "target") ordered;
      slices = genAttrs (namesOf "slice") ordered;
    };
  };
}
