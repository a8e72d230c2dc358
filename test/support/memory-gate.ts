/** The receiver with a store and a root side in memory, for streams of every kind. The quarantine is on the disk. */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { join } from "node:path";
import { sameBytes } from "../../src/core/bytes.ts";
import { canonicalJson } from "../../src/core/canonical-json.ts";
import { NixsealError } from "../../src/core/errors.ts";
import { parseMessage } from "../../src/gate/message.ts";
import { narName } from "../../src/gate/quarantine/names.ts";
import { Quarantine } from "../../src/gate/quarantine/quarantine.ts";
import { GateStore } from "../../src/gate/receive/gate-store.ts";
import { ImportQueue } from "../../src/gate/receive/import-queue.ts";
import type { GateLogEntry } from "../../src/gate/receive/log.ts";
import type { RootConnection } from "../../src/gate/receive/root-side.ts";
import type { Uploader } from "../../src/gate/receive/uploader.ts";
import { WarrantedPaths } from "../../src/gate/warranted.ts";
import { Field } from "../../src/nix/json-fields.ts";
import { WorkerClient } from "../../src/nix/protocol/worker-client.ts";
import { serveWorker } from "../../src/nix/protocol/worker-server.ts";
import type { PublicKey } from "../../src/nix/signing-key.ts";
import { clock } from "../../src/system/clock.ts";
import { files } from "../../src/system/files.ts";
import { processes } from "../../src/system/processes.ts";
import { random } from "../../src/system/random.ts";
import { claimOf } from "../../src/trust/warrant/closure.ts";
import type { WarrantEnvelope } from "../../src/trust/warrant/envelope.ts";
import { MemoryStore } from "./test-store.ts";
import { connection, patient } from "./wire-port.ts";

export interface MemoryGateFields {
  readonly pending?: readonly WarrantEnvelope[];
  readonly upstream?: readonly PublicKey[];
  /** Null: nobody who may upload has logged in. */
  readonly uploader?: Uploader | null;
}

export class MemoryGate {
  readonly host = new MemoryStore();
  readonly log: GateLogEntry[] = [];
  readonly quarantine: Quarantine;
  readonly store: GateStore;
  readonly queue: ImportQueue;
  /** Whatever a path of the host came through. */
  readonly imported = new Set<string>();
  /** What the root side was asked for. */
  readonly kept: string[] = [];
  /** Which paths the root side was asked to see for the ledger, and which failed. */
  readonly witnessed: string[] = [];
  readonly unrecorded: string[] = [];
  /** Answers of the root side that come in place of its own, one for each message. */
  readonly rootSays: string[] = [];
  readonly #warranted: WarrantedPaths;

  constructor(directory: string, { pending = [], upstream = [], uploader = null }: MemoryGateFields) {
    fs.mkdirSync(directory, { recursive: true });
    this.#warranted = new WarrantedPaths(pending, null);
    this.quarantine = new Quarantine({ files, random, processes }, directory, {
      bytes: 1 << 24,
      entries: 1000,
      reserve: 0,
    });
    this.queue = new ImportQueue({
      quarantine: this.quarantine,
      connect: async () => this.#rootSide(),
      clock,
      done: (info) => this.store.came(info),
    });
    this.store = new GateStore({
      directory: "/nix/store",
      openStore: async () => {
        const { client, server, hangUp } = connection();
        void serveWorker({ port: server, clock: patient, store: this.host, software: "test" });
        return { client: await WorkerClient.open({ port: client, clock: patient }), close: hangUp };
      },
      warranted: this.#warranted,
      upstream,
      quarantine: this.quarantine,
      queue: this.queue,
      uploader: async () => {
        if (uploader !== null) return uploader;
        throw new NixsealError("refused", "nobody has shown a certificate");
      },
      log: (entry) => this.log.push(entry),
      unrecorded: (path, { message }) => this.unrecorded.push(`${path}: ${message}`),
      sender: null,
    });
  }

  /** As the real one: what it reads it holds against the warrant itself. */
  #rootSide(): RootConnection {
    const answers: string[] = [];
    return {
      send: async (bytes, enclosed) => {
        const message = parseMessage(bytes, "/nix/store");
        const said = this.rootSays.shift();
        if (said !== undefined) return void answers.push(said);
        if (message.kind === "witness") {
          if (!this.host.paths.has(message.path)) throw new Error(message.path);
          this.witnessed.push(message.path);
          return void answers.push(canonicalJson({ kind: "result", ok: true, outcome: "recorded" }));
        }
        if (message.kind !== "import") throw new Error(message.kind);
        const { path } = this.#warranted.get(message.path)!;
        this.kept.push(path.path);
        const there = this.host.paths.get(path.path);
        if (there !== undefined && claimOf(there.info) === claimOf(path))
          return void answers.push(canonicalJson({ kind: "result", ok: true, outcome: "present" }));
        const nar = Buffer.from(
          enclosed ?? fs.readFileSync(join(this.quarantine.directory, narName(path.narHash))),
        );
        if (!sameBytes(createHash("sha256").update(nar).digest(), path.narHash.digest))
          return void answers.push(refusal("malformed", "another archive"));
        const info = { ...path, deriver: null, signatures: [], registrationTime: null, ultimate: false };
        this.host.paths.set(path.path, { info, nar, wishes: { repair: true, checkSignatures: false } });
        this.imported.add(path.path);
        answers.push(canonicalJson({ kind: "result", ok: true, outcome: "added" }));
      },
      next: async () => {
        const text = answers.shift();
        return text === undefined ? null : { text, fields: Field.parse(text, "answer"), isResult: true };
      },
      close: () => undefined,
    };
  }
}

export function refusal(code: string, reason: string): string {
  return canonicalJson({ kind: "result", ok: false, code, reason, hint: null });
}
