/** A tmpfs that only this run sees; a host keeps there what it writes. */
export const hostsDirectory = "/run/nixseal-e2e/hosts";

/** The key that root of every host accepts. */
export const clientKey = "/run/nixseal-e2e/id_ed25519";

/** The network of the hosts ends at this bridge: a host reaches the other hosts and the tests, nothing else. */
export const bridge = "br0";
export const network = "198.18.0";

/** The cgroup of this run; each host has one below it. */
export function labCgroup(env: NodeJS.ProcessEnv): string {
  return `/sys/fs/cgroup/${given(env, "NIXSEAL_E2E_CGROUP")}`;
}

/** The tree that hosts start from, read-only. */
export function labRootfs(env: NodeJS.ProcessEnv): string {
  return given(env, "NIXSEAL_E2E_ROOTFS");
}

function given(env: NodeJS.ProcessEnv, name: string): string {
  const value = env[name];
  if (value === undefined) throw new Error(`${name} is not set: start these tests with npm run test:e2e`);
  return value;
}
