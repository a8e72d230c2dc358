import { createHash } from "node:crypto";
import type { TestContext } from "node:test";
import { canonicalJson } from "../../src/core/canonical-json.ts";
import { run } from "./command.ts";
import { startHost, type Host } from "./host.ts";
import { until } from "./until.ts";

/** A secret as a configuration declares it; what is left out has the defaults of fleet.toml. */
export interface Declared {
  readonly value: string;
  readonly owner?: string;
  readonly group?: string;
  readonly mode?: string;
  readonly path?: string;
  readonly stage?: "default" | "users";
  readonly restart?: readonly string[];
  readonly reload?: readonly string[];
  /** SSH public keys; default: the host's own. */
  readonly recipients?: readonly string[];
  /** What happens to the ciphertext before its digest goes into the manifest. */
  readonly damage?: (ciphertext: string) => string;
}

export type Declarations = Readonly<Record<string, Declared>>;

export const secretsDirectory = "/run/nixseal/secrets";
const usersUnit = "nixseal-secrets-users.service";
const secretsUnit = "nixseal-secrets.service";

/** A user that exists because the configuration says so: systemd-sysusers makes it, as on NixOS at every boot. */
const configuredUser = {
  "/etc/sysusers.d/app.conf": 'u app - "made from the configuration"\n',
  "/etc/systemd/system/systemd-sysusers.service.d/always.conf": "[Unit]\nConditionNeedsUpdate=\n",
};

/**
 * The configuration of a host, as far as secrets go: each generation is a directory with a manifest and its
 * ciphertext, as a NixOS closure has it in the store, and switching exchanges the unit that installs it.
 */
export class SecretsHost {
  readonly host: Host;
  readonly #ciphertexts = new Map<string, Promise<string>>();
  #generations = 0;

  constructor(host: Host) {
    this.host = host;
  }

  /** A host for one test, with more files at its first boot. */
  static async start(
    t: TestContext,
    name: string,
    files: Readonly<Record<string, string>> = {},
  ): Promise<SecretsHost> {
    const host = await startHost(name, { files: { ...configuredUser, ...files } });
    t.after(() => host.destroy());
    return new SecretsHost(host);
  }

  /** Writes a new generation and gives its directory. What did not change keeps its ciphertext. */
  async generation(secrets: Declarations, identity = this.host.hostKey.path): Promise<string> {
    const directory = `/var/lib/generations/${++this.#generations}`;
    const entries = Object.entries(secrets).sort(([a], [b]) => (a < b ? -1 : 1));
    const listed = await Promise.all(
      entries.map(async ([name, declared]) => {
        const whole = await this.#ciphertext(name, declared);
        const ciphertext = declared.damage?.(whole) ?? whole;
        const source = `secrets/${name}.age`;
        await this.host.copyIn(`${directory}/${source}`, ciphertext);
        return {
          name,
          source,
          digest: createHash("sha256").update(ciphertext).digest("hex"),
          path: declared.path ?? `${secretsDirectory}/${name}`,
          owner: declared.owner ?? "root",
          group: declared.group ?? "root",
          mode: declared.mode ?? "0400",
          stage: declared.stage ?? "default",
          restart: declared.restart ?? [],
          reload: declared.reload ?? [],
          credential: null,
          together: null,
        };
      }),
    );
    const manifest = { version: 1, host: this.host.name, identities: [identity], secrets: listed };
    await this.host.copyIn(`${directory}/manifest.json`, canonicalJson(manifest));
    return directory;
  }

  /** Makes a generation the configuration, now and for the next boots. */
  async switchTo(generation: string): Promise<void> {
    for (const [name, text] of Object.entries(units(`${generation}/manifest.json`)))
      await this.host.copyIn(`/etc/systemd/system/${name}`, text);
    await this.host.run(["systemctl", "daemon-reload"]);
    await this.host.run(["systemctl", "--quiet", "enable", usersUnit, secretsUnit]);
    await this.host.run(["systemctl", "restart", usersUnit, secretsUnit]);
    await this.settled();
  }

  /** Waits for the units that the agent starts and restarts: they are ordered after the one that it runs in. */
  async settled(): Promise<void> {
    await until(`no job is left on ${this.host.name}`, 60_000, async () => {
      const jobs = await this.host.run(["systemctl", "list-jobs", "--no-legend", "--quiet"]);
      return jobs.trim() === "" || jobs.startsWith("No jobs") ? true : undefined;
    });
  }

  /** Names of failed units, sorted. */
  async failedUnits(): Promise<string[]> {
    const listed = await this.host.run(["systemctl", "list-units", "--failed", "--plain", "--no-legend"]);
    return listed
      .split("\n")
      .flatMap((line) => line.split(" ")[0] || [])
      .sort();
  }

  read(secret: string): Promise<string> {
    return this.host.run(["cat", `${secretsDirectory}/${secret}`]);
  }

  /** Encrypted with the stock program, once for each value. */
  #ciphertext(name: string, { value, recipients = [this.host.hostKey.public] }: Declared): Promise<string> {
    const key = JSON.stringify([name, value, recipients]);
    const to = recipients.flatMap((recipient) => ["--recipient", recipient]);
    const made = this.#ciphertexts.get(key) ?? run(["age", "--armor", ...to], { input: value });
    this.#ciphertexts.set(key, made);
    return made;
  }
}

/**
 * The units of the NixOS module, with the paths of this host. The first one cannot wait for local-fs.target, which
 * itself waits for users: systemd would break the cycle by leaving one of the two out.
 */
function units(manifest: string): Readonly<Record<string, string>> {
  const install = `/usr/local/bin/nixseal-agent secrets install --manifest ${manifest}`;
  return {
    [usersUnit]: `[Unit]
Description=Secrets that are needed before users exist
DefaultDependencies=no
After=systemd-remount-fs.service
Before=systemd-sysusers.service sysinit.target shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
SuccessExitStatus=3
ExecStart=${install} --stage users

[Install]
WantedBy=sysinit.target
`,
    [secretsUnit]: `[Unit]
Description=Secrets of this host
DefaultDependencies=no
After=local-fs.target systemd-sysusers.service ${usersUnit}
Before=sysinit.target shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
SuccessExitStatus=3
ExecStart=${install}

[Install]
WantedBy=sysinit.target
`,
    "nixseal-secret@.service": `[Unit]
Description=Secret %i

[Service]
Type=oneshot
ExecStart=/usr/local/bin/nixseal-agent secrets verify %i
`,
  };
}

/** A service that keeps what it read when it started. It starts by itself at boot, without any hand. */
export function service(secret: string, lines = ""): string {
  return `[Unit]
Wants=${secretsUnit}
After=${secretsUnit}
StartLimitIntervalSec=0

[Service]
Type=exec
StateDirectory=%N
${lines}
ExecStartPre=sh -c 'cat ${secretsDirectory}/${secret} >/var/lib/%N/read'
ExecStart=sleep infinity

[Install]
WantedBy=multi-user.target
`;
}
