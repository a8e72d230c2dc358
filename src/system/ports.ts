import type { Ports } from "../core/ports.ts";
import { clock } from "./clock.ts";
import { environment } from "./environment.ts";
import { files } from "./files.ts";
import { http } from "./http.ts";
import { https } from "./https.ts";
import { person } from "./person.ts";
import { processes } from "./processes.ts";
import { random } from "./random.ts";
import { sockets } from "./sockets.ts";
import { streams } from "./streams.ts";
import { trees } from "./trees.ts";
import { workers } from "./workers.ts";

/** The real world. `worker` is the program that worker threads run. */
export function systemPorts(worker: URL): Ports {
  return {
    clock,
    random,
    environment,
    processes,
    files,
    trees,
    streams,
    person,
    workers: workers(worker),
    http,
    sockets,
    https,
  };
}
