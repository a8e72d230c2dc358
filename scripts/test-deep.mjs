// npm run test:deep [-- NAME…] [-- --node-test-option…]: the tests under test/deep, on virtual machines with a kernel and
// disks of their own. Needs root on a Debian. Not in CI: without KVM it takes minutes.
import { join } from "node:path";
import { top } from "./setup.mjs";
import { testOnRealHosts } from "./real-hosts.mjs";

await testOnRealHosts({
  directory: "deep",
  minutes: 30,
  programs: {
    debugfs: "e2fsprogs",
    git: "git",
    "qemu-system-x86_64": "qemu-system-x86",
  },
  prepare: async (timeout) => {
    const { kernel } = await import(join(top, "dist/test/deep/kernel.js"));
    return { NIXSEAL_DEEP_KERNEL: await kernel(timeout) };
  },
  // One machine at a time: each needs a whole core, and half of its time-out on a busy one.
  options: ["--test-concurrency=1", "--test-timeout=1500000"],
});
