import type { AgentVerb } from "./verb.ts";

/** A line a verb. The import is lazy: a host starts this program for each message, and needs one verb of it. */
export interface Entry {
  readonly summary: string;
  readonly load: () => Promise<AgentVerb>;
}

/** Every command, of one word (`activate`) or two (`secrets install`), in the order of the help page. */
export const registry: Readonly<Record<string, Entry>> = {
  activate: {
    summary: "the root side of the gate: one message on stdin, decided by the host's own state",
    load: () => import("./activate.ts").then((module) => module.activate),
  },
  receive: {
    summary: "the gate's side to the network: the forced command of the deploy user",
    load: () => import("./receive.ts").then((module) => module.receive),
  },
  pull: {
    summary: "look for an order for this host where pull.json says, and follow it; for a timer",
    load: () => import("./pull.ts").then((module) => module.pull),
  },
  "bundle apply": {
    summary: "follow an order that came as a file; for hosts without a network",
    load: () => import("./bundle-apply.ts").then((module) => module.bundleApply),
  },
  "secrets install": {
    summary: "decrypt the host's secrets and put them in place",
    load: () => import("./secrets-install.ts").then((module) => module.secretsInstall),
  },
  "secrets check": {
    summary: "validate a manifest and its ciphertexts without any key; what the build runs",
    load: () => import("./secrets-check.ts").then((module) => module.secretsCheck),
  },
  "secrets verify": {
    summary: "fail with the reason when the last installation of a secret failed",
    load: () => import("./secrets-verify.ts").then((module) => module.secretsVerify),
  },
  "secrets lease": {
    summary: "keep values from stdin in memory until stdin ends (for 'nixseal secrets with')",
    load: () => import("./secrets-lease.ts").then((module) => module.secretsLease),
  },
  status: {
    summary: "what this host runs, what it has accepted, and what waits",
    load: () => import("./status.ts").then((module) => module.status),
  },
  "ledger show": {
    summary: "what brought a store path to this host, when, and on whose word",
    load: () => import("./ledger-show.ts").then((module) => module.ledgerShow),
  },
  taint: {
    summary: "what a key or a member ever brought to this host, and everything that depends on it",
    load: () => import("./taint.ts").then((module) => module.taint),
  },
  doctor: {
    summary: "what on this host would let the known attacks succeed",
    load: () => import("./doctor.ts").then((module) => module.doctor),
  },
  watch: {
    summary: "fetch the advisories, match the running system, and act as the policy says",
    load: () => import("./watch.ts").then((module) => module.watchVerb),
  },
  notices: {
    summary: "show what 'watch' found; reads one file, asks nobody",
    load: () => import("./notices.ts").then((module) => module.noticesVerb),
  },
  notify: {
    summary: "tell the person at the desktop what 'watch' found, when it is new",
    load: () => import("./notify.ts").then((module) => module.notifyVerb),
  },
};
