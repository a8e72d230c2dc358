# The lines of sshd's authorized_keys for the deploy user: each names its member, and none is a way to a shell. What a
# member may do is said by certificates, which are looked at when something is uploaded or ordered. Builtins only.
{
  # The program with its path.
  agent,
  # { name, keys } each.
  members,
  # Keys of CAs whose login certificates are taken, with the member's name as the principal.
  authorities,
}:
let
  inherit (builtins) concatMap map;
  line =
    member: marks: key:
    "restrict,${marks}command=\"${agent} receive --member ${member.name}\" ${key}";
in
concatMap (
  member:
  map (line member "") member.keys
  ++ map (line member "cert-authority,principals=\"${member.name}\",") authorities
) members
