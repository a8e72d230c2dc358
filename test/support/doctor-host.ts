/** A host below a directory, set up as it should be, for tests that break one thing at a time. */
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { accountOf, type DoctorHost } from "../../src/doctor/host.ts";
import { parseGateConfig, type GateConfig } from "../../src/gate/config.ts";
import { record } from "../../src/gate/ledger/record.ts";
import { gatePaths, type GatePaths } from "../../src/gate/paths.ts";
import { writeActive } from "../../src/gate/pending.ts";
import { readKnowledge, writeKnowledge } from "../../src/gate/state.ts";
import { utf8 } from "../../src/core/bytes.ts";
import { files } from "../../src/system/files.ts";
import { formatEnvelope } from "../../src/trust/root/envelope.ts";
import { nothingAccepted, stateAfter } from "../../src/trust/warrant/state.ts";
import { gateConfigJson } from "./gate-config.ts";
import { ledgerRecord } from "./ledger.ts";
import { keys, rootOf, signedRoot } from "./roots.ts";
import { temporaryDirectory } from "./temporary.ts";
import { alice, bob, noon, pathOf, signed, warrant } from "./warrants.ts";

export const deployUid = 990;
const cache = "cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=";
export const agent = "/run/current-system/sw/bin/nixseal-agent";
export const keyBlob = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

export interface SoundHost {
  readonly root: string;
  readonly config: GateConfig;
  readonly paths: GatePaths;
  readonly write: (path: string, text: string, mode?: number) => void;
  /** What the doctor sees of it, at noon. */
  view(changed?: Partial<DoctorHost>): Promise<DoctorHost>;
}

export async function soundHost(t: TestContext): Promise<SoundHost> {
  const root = temporaryDirectory(t);
  const config = parseGateConfig(
    utf8(JSON.stringify({ ...gateConfigJson, upstream: [cache], user: "deploy" })),
  );
  const paths = gatePaths(root, config);
  const write = (path: string, text: string, mode = 0o644): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
    chmodSync(join(root, path), mode);
  };
  chmodSync(root, 0o755);
  write("/etc/nixseal/gate.json", JSON.stringify({ ...gateConfigJson, upstream: [cache], user: "deploy" }));
  write(
    "/etc/passwd",
    `root:x:0:0::/root:/bin/sh\ndeploy:x:${deployUid}:${deployUid}::/var/lib/nixseal:/bin/sh\n`,
  );
  write("/etc/group", `root:x:0:\nwheel:x:1:alice\ndeploy:x:${deployUid}:\n`);
  write("/etc/nix/nix.conf", "# as the module writes it\ntrusted-users = root\n!include nixseal.conf\n");
  write("/etc/nix/nixseal.conf", `require-sigs = true\ntrusted-public-keys = ${cache}\n`);
  write(
    "/etc/sudoers",
    `root ALL=(ALL:ALL) ALL\n%wheel ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n`,
    0o440,
  );
  write("/etc/sudoers.d/nixseal", `deploy ALL=(root) NOPASSWD: ${agent} activate\n`, 0o440);
  write(
    "/etc/ssh/sshd_config",
    `PermitRootLogin no\nInclude /etc/ssh/sshd_config.d/*.conf\nAcceptEnv LANG LC_*\n`,
  );
  write(
    "/etc/ssh/sshd_config.d/10-nixseal.conf",
    "Match User deploy\n  AuthenticationMethods publickey\n  AuthorizedKeysFile /etc/nixseal/authorized_keys\n  TrustedUserCAKeys none\n  DisableForwarding yes\nMatch all\n",
  );
  write("/etc/nixseal/authorized_keys", `restrict,command="${agent} receive --member alice" ${keyBlob}\n`);
  write(config.hostKey, "a private key", 0o600);
  const anchor = rootOf({ expires: new Date(noon.getTime() + 300 * 86_400_000), upstream: [cache] });
  write(config.root, Buffer.from(formatEnvelope(await signedRoot(anchor, [keys[0]!]))).toString());
  const envelope = await signed(warrant(), alice, bob);
  mkdirSync(paths.quarantine, { recursive: true });
  chmodSync(paths.quarantine, 0o700);
  chownSync(paths.quarantine, deployUid, deployUid);
  const { trust } = await readKnowledge(files, paths, config);
  const accepted = stateAfter(nothingAccepted, envelope.warrant, envelope.digest);
  await writeKnowledge(files, paths, { trust, accepted });
  await writeActive(files, paths, envelope);
  const { head } = await record({ files, clock: { now: () => noon } }, paths.ledger, [
    ledgerRecord("system-1.0"),
  ]);
  const receipt = {
    payload: Buffer.from(JSON.stringify({ ledger: head })).toString("base64"),
    signatures: [],
  };
  write(
    `/var/lib/nixseal/gate/receipts/20300601T120000Z-1-${envelope.digest.slice(0, 16)}.json`,
    `${JSON.stringify(receipt)}
`,
  );
  const system = pathOf("system-1.0");
  mkdirSync(join(root, "run"));
  mkdirSync(dirname(paths.profile), { recursive: true });
  symlinkSync(system, paths.running);
  symlinkSync("system-1-link", paths.profile);
  symlinkSync(system, `${paths.profile}-1-link`);
  return {
    root,
    config,
    paths,
    write,
    view: async (changed = {}) => ({
      root,
      files,
      processes: null,
      now: noon,
      config,
      paths,
      deploy: await accountOf({ files, root }, "deploy"),
      ...changed,
    }),
  };
}
