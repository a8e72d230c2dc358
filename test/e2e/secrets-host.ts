import type { TestContext } from "node:test";
import { Generations, secretsDirectory, type Declarations } from "./generations.ts";
import { startHost, type Host } from "./host.ts";
import { secretsUnit, secretsUnits, usersUnit } from "./secrets-units.ts";
import { until } from "./until.ts";

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
  readonly #generations: Generations;
  #installed = 0;

  constructor(host: Host) {
    this.host = host;
    this.#generations = new Generations(host.name, host.hostKey);
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

  /** Makes a new generation and gives its directory. What did not change keeps its ciphertext. */
  async generation(secrets: Declarations, identity?: string): Promise<string> {
    const { manifest, sources } = await this.#generations.make(secrets, identity);
    return this.install(manifest, sources);
  }

  /** Puts a manifest and its ciphertexts on the host, by their paths in it, and gives the directory. */
  async install(manifest: string, sources: ReadonlyMap<string, string | Uint8Array>): Promise<string> {
    const directory = `/var/lib/generations/${++this.#installed}`;
    await this.host.copyIn(`${directory}/manifest.json`, manifest);
    for (const [path, ciphertext] of sources) await this.host.copyIn(`${directory}/${path}`, ciphertext);
    return directory;
  }

  /** Makes a generation the configuration, now and for the next boots. */
  async switchTo(generation: string): Promise<void> {
    for (const [name, text] of Object.entries(secretsUnits(`${generation}/manifest.json`)))
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
