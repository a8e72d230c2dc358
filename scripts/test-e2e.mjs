// npm run test:e2e [-- NAME…] [-- --node-test-option…]: the tests under test/e2e, on real systemd hosts in
// containers. Needs root on a Debian.
import { testOnRealHosts } from "./real-hosts.mjs";

await testOnRealHosts({
  directory: "e2e",
  minutes: 20,
  programs: {
    etcd: "etcd-server",
    etcdctl: "etcd-client",
    git: "git",
    "nix-store": "nix-bin",
    openssl: "openssl",
    sshd: "openssh-server",
  },
});
