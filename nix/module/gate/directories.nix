# Directories of the gate, as lines of tmpfiles.d. Builtins only.
{ user }:
[
  "d /var/lib/nixseal 0755 root root -"
  "d /var/lib/nixseal/gate 0755 root root -"
  "d /var/lib/nixseal/gate/quarantine 0700 ${user} ${user} -"
  "d /nix/var/nix/gcroots/nixseal 0755 root root -"
  "d /nix/var/nix/profiles 0755 root root -"
]
