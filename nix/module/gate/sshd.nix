# What sshd does for the deploy user, as the lines of a Match block. Builtins only.
{ user, keysFile }:
''
  Match User ${user}
    AuthenticationMethods publickey
    AuthorizedKeysFile ${keysFile}
    AuthorizedKeysCommand none
    TrustedUserCAKeys none
    AuthorizedPrincipalsFile none
    DisableForwarding yes
    PermitTTY no
    PermitTunnel no
    PermitUserRC no
    ExposeAuthInfo yes
    SetEnv NODE_OPTIONS= NODE_PATH= BASH_ENV= ENV= LD_PRELOAD= LD_LIBRARY_PATH=
    MaxSessions 10
    ClientAliveInterval 15
    ClientAliveCountMax 4
  Match all
''
