/** One connection of the deploy user: what is asked for, by whom, and what comes of it. */
import { join } from "node:path";
import { NixsealError } from "../../core/errors.ts";
import { exitCodeOf, exitCodes, type ExitCode } from "../../core/exit.ts";
import type { Files } from "../../core/file-ports.ts";
import type { Clock, Environment, Processes, Random, Sockets } from "../../core/ports.ts";
import { utf8Text } from "../../core/bytes.ts";
import type { GateConfig } from "../config.ts";
import type { GatePaths } from "../paths.ts";
import { Quarantine } from "../quarantine/quarantine.ts";
import { gateTime, readKnowledge } from "../state.ts";
import { readWarranted, type WarrantedPaths } from "../warranted.ts";
import { parseReceiveCommand, type ReceiveCommand } from "./command.ts";
import type { GateStore } from "./gate-store.ts";
import { ImportQueue } from "./import-queue.ts";
import type { GateLog } from "./log.ts";
import { senderOf, type Login } from "./login.ts";
import { orderActivation, passOrder, type OrderParts } from "./orders.ts";
import { readAll, skipPassword } from "./read-input.ts";
import { connectRootSide } from "./root-side.ts";
import { takeSlot } from "./slots.ts";
import type { ClientPort } from "./stdin-port.ts";
import { tellUnrecorded } from "./unrecorded.ts";
import type { UploaderPolicy } from "./uploader.ts";

export interface ReceivePorts {
  readonly clock: Clock;
  readonly environment: Environment;
  readonly files: Files;
  readonly processes: Processes;
  readonly random: Random;
  readonly sockets: Sockets;
}

export interface ReceiveParts extends ReceivePorts {
  readonly config: GateConfig;
  readonly paths: GatePaths;
  readonly login: Login;
  readonly client: ClientPort;
  readonly log: GateLog;
  readonly out: (text: string) => Promise<void>;
  /** What the person at the other end reads. */
  readonly say: (text: string) => void;
  readonly version: string;
  /** This program's own command line, to start the root side where there is no socket. */
  readonly program: readonly string[];
}

/** Loaded when a connection asks for it: most bring one order, and each has a process of its own. */
const load = {
  gateStore: () => import("./gate-store.ts"),
  held: () => import("./held.ts"),
  rebuild: () => import("./rebuild.ts"),
  serve: () => import("../../nix/protocol/serve-server.ts"),
  storeAccess: () => import("../store-access.ts"),
  sweep: () => import("../quarantine/sweep.ts"),
  uploader: () => import("./uploader.ts"),
  worker: () => import("../../nix/protocol/worker-server.ts"),
};

/** Bytes that stay free on the disk. */
const reserve = 256 << 20;
const mostEntries = 100_000;

/** Serves the connection to its end. Throws what ended it early; what became of the paths before that stays. */
export async function receive(parts: ReceiveParts, commandLine: string | undefined): Promise<ExitCode> {
  const { command, passwordFirst } = parseReceiveCommand(commandLine, parts.config.storeDirectory);
  const { files, paths, login, processes, client, clock, log } = parts;
  const kind = command.verb === "serve" || command.verb === "daemon" ? "upload" : "order";
  const slot = await takeSlot(files, join(paths.quarantine, "slots"), kind, login, processes.pid);
  try {
    log({ event: "connected", command: command.verb });
    if (passwordFirst) await skipPassword(client, clock);
    const connection = new Connection(parts);
    try {
      return await connection.answer(command);
    } finally {
      await connection.end();
    }
  } finally {
    await slot.release();
  }
}

class Connection {
  readonly #parts: ReceiveParts;
  readonly #quarantine: Quarantine;
  readonly #queue: ImportQueue;
  #store: GateStore | null = null;

  constructor(parts: ReceiveParts) {
    const { config, paths, clock, log } = parts;
    const { bytes } = config.quarantine;
    this.#parts = parts;
    this.#quarantine = new Quarantine(parts, paths.quarantine, { bytes, entries: mostEntries, reserve });
    this.#queue = new ImportQueue({
      quarantine: this.#quarantine,
      connect: () => connectRootSide(parts, { root: paths.root, program: parts.program }),
      clock,
      done: (info, outcome) => {
        log({ event: "imported", path: info.path, outcome });
        this.#store?.came(info);
      },
    });
  }

  async answer(command: ReceiveCommand): Promise<ExitCode> {
    switch (command.verb) {
      case "serve":
      case "daemon":
        return this.#upload(command.verb);
      case "present":
        return this.#present();
      case "order": {
        const { code, kind } = await passOrder(this.#orders, command.kind);
        // Nobody sends again what waits already. What goes wrong then, the next upload or the activation says.
        if (kind === "offer" && code === exitCodes.done) await this.#importHeld();
        return code;
      }
      default: {
        const { answerRebuild } = await load.rebuild();
        const warranted = await this.#warranted();
        if (command.verb === "switch") await this.#importHeld();
        return answerRebuild(
          {
            ...this.#parts,
            warranted,
            hostname: this.#parts.processes.hostname,
            activate: (envelope, action) => orderActivation(this.#orders, envelope, action),
          },
          command,
        );
      }
    }
  }

  /** Waits for what is on its way, and lets the root side end. */
  async end(): Promise<void> {
    try {
      await this.#queue.end();
    } catch (error) {
      this.#tell(error);
    }
  }

  async #upload(protocol: "serve" | "daemon"): Promise<ExitCode> {
    const { client: port, clock, config, paths, log, say, files, version } = this.#parts;
    await this.#quarantine.prepare();
    const [{ sweep }, { GateStore }] = await Promise.all([load.sweep(), load.gateStore()]);
    const swept = await sweep({ files, clock }, this.#quarantine, config.quarantine.days);
    if (swept.length > 0) log({ event: "swept", entries: swept.length });
    const warranted = await this.#warranted();
    if (warranted !== null) await this.#importHeld(warranted);
    const store = new GateStore({
      directory: config.storeDirectory,
      openStore: async () => (await load.storeAccess()).openStoreAccess(this.#parts, paths, config),
      warranted,
      upstream: config.upstream,
      quarantine: this.#quarantine,
      queue: this.#queue,
      uploader: async () => {
        const { findUploader } = await load.uploader();
        return findUploader(files, this.#certificates, this.#parts.login, await this.#uploaderPolicy());
      },
      log,
      unrecorded: tellUnrecorded(this.#parts),
      sender: senderOf(this.#parts.login),
    });
    this.#store = store;
    try {
      if (protocol === "daemon") {
        const { serveWorker } = await load.worker();
        await serveWorker({ port, clock, store, software: `nixseal ${version}` });
      } else {
        const { serveStore } = await load.serve();
        await serveStore({ port, clock, store, diagnose: (line) => say(`${line}\n`) });
      }
      await this.#queue.settle();
      return exitCodes.done;
    } finally {
      store.close();
    }
  }

  async #present(): Promise<ExitCode> {
    const { client, clock, files, login, say, log } = this.#parts;
    const { largestCertificate, showCertificate } = await load.uploader();
    const line = utf8Text(await readAll(client, clock, largestCertificate), "the certificate");
    await this.#quarantine.prepare();
    const policy = await this.#uploaderPolicy();
    const { member, certificate } = await showCertificate(files, this.#certificates, line, login, policy);
    log({ event: "certificate", member, key: certificate.key.fingerprint });
    const until = new Date(Number(certificate.validBefore) * 1000).toISOString();
    say(`${member} may upload here until ${until}\n`);
    return exitCodes.done;
  }

  async #importHeld(warranted: WarrantedPaths | null = null): Promise<void> {
    const now = warranted ?? (await this.#warranted());
    if (now === null) return;
    await this.#quarantine.prepare();
    const { importHeld } = await load.held();
    try {
      await importHeld(this.#quarantine, now, this.#queue, this.#parts.config.storeDirectory);
      await this.#queue.settle();
    } catch (error) {
      this.#tell(error);
    }
  }

  async #warranted(): Promise<WarrantedPaths | null> {
    const { files, paths, config, clock } = this.#parts;
    if (config.mode === "certificates") return null;
    const knowledge = await readKnowledge(files, paths, config);
    return readWarranted(files, paths, { accepted: knowledge.accepted, now: gateTime(clock, knowledge) });
  }

  async #uploaderPolicy(): Promise<UploaderPolicy> {
    const { files, paths, config, clock } = this.#parts;
    const knowledge = await readKnowledge(files, paths, config);
    const { root, krl } = knowledge.trust;
    return {
      host: { name: config.host, labels: config.tags },
      right: { root: root.root, revocations: krl, now: gateTime(clock, knowledge) },
    };
  }

  /** Not what was asked for went wrong: it is said, and the work goes on. */
  #tell(error: unknown): void {
    if (!(error instanceof NixsealError) || exitCodeOf(error) === exitCodes.bug) throw error;
    const { log, say } = this.#parts;
    log({ event: "not imported", reason: error.message });
    say(`${error.message}\n${error.hint === undefined ? "" : `  hint: ${error.hint}\n`}`);
  }

  get #orders(): OrderParts {
    const { client, config, clock, out, say, paths, program } = this.#parts;
    const connect = () => connectRootSide(this.#parts, { root: paths.root, program });
    return { connect, stdin: client.stream(), out, say, clock, storeDirectory: config.storeDirectory };
  }

  get #certificates(): string {
    return join(this.#parts.paths.quarantine, "certificates");
  }
}
