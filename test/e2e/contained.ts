/**
 * Put before an argv, these make a process tree of which nothing stays: when this process dies, also by
 * SIGKILL, the kernel kills the first process of the new PID namespace and with it all others, and the mount
 * namespace goes with them.
 */
export const contained: readonly string[] =
  "setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --mount-proc".split(" ");
