/** Flags that the verbs share, and what they mean. */
import * as z from "zod";
import * as rules from "../../inventory/field-rules.ts";
import type { DeployDefaults } from "../../inventory/model.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Reboots } from "../../deploy/plan.ts";
import type { RolloutPlan } from "../../deploy/rollout.ts";
import { actions, type Action } from "../../trust/warrant/model.ts";
import { matching } from "../matching.ts";

/** Where the new systems come from. */
export const systemFlags = {
  flake: z
    .string()
    .optional()
    .meta({ value: "REF" })
    .describe("build nixosConfigurations.HOST of this flake (default: the fleet's own flake.nix)"),
  file: z
    .string()
    .optional()
    .meta({ short: "f", value: "FILE" })
    .describe("build attribute HOST of this Nix file instead"),
  toplevel: z
    .array(z.string())
    .default([])
    .meta({ value: "HOST=PATH" })
    .describe("take this system, which is built already; PATH alone is for one host"),
  builder: z
    .string()
    .optional()
    .meta({ value: "STORE" })
    .describe(
      "build on another machine, over your own ssh: ssh-ng://builder; its store keeps what it built; {host} and {address} stand for each host's",
    ),
  buildOnTarget: z
    .boolean()
    .default(false)
    .describe("build each system on its own host, as yourself: --builder 'ssh-ng://{address}'"),
  store: z
    .string()
    .optional()
    .meta({ value: "STORE" })
    .describe("where the systems of --toplevel are, as for nix --store"),
};

export const orderFlags = {
  action: z.enum(actions).default("switch").describe("what the hosts do with it"),
  expires: matching(rules.duration)
    .default("24h")
    .meta({ value: "DURATION" })
    .describe("how long the orders hold"),
};

export const waveFlags = {
  canary: z.coerce
    .number()
    .int()
    .min(0)
    .max(10_000)
    .optional()
    .meta({ value: "N" })
    .describe("hosts that go first, alone"),
  wave: z
    .array(z.coerce.number().int().min(1).max(100))
    .default([])
    .meta({ value: "PERCENT" })
    .describe("how much of the rest goes in each later wave (repeatable)"),
  soak: matching(rules.pause).optional().meta({ value: "DURATION" }).describe("the time between two waves"),
  failures: z.coerce
    .number()
    .int()
    .min(0)
    .max(10_000)
    .optional()
    .meta({ value: "N" })
    .describe("hosts that may fail"),
  onFailure: z
    .enum(["stop", "revert"])
    .optional()
    .describe("what becomes of hosts that are done, when it ends early"),
  parallel: z.coerce
    .number()
    .int()
    .min(1)
    .max(1000)
    .optional()
    .meta({ value: "N" })
    .describe("hosts at once"),
};

export const rebootFlags = {
  reboot: z
    .boolean()
    .default(false)
    .describe("start each changed host anew after the activation, and wait until it is back"),
  rebootIfNeeded: z
    .boolean()
    .default(false)
    .describe("only those that run another kernel, initrd or modules than they would boot"),
};

export const rebootBound = {
  rebootWithin: matching(rules.pause)
    .default("10m")
    .meta({ value: "DURATION" })
    .describe("how long a host may take to be back; one that takes longer counts as failed"),
};

export const signerFlags = {
  key: z
    .string()
    .optional()
    .meta({ value: "FILE" })
    .describe("your key; for one in an agent or a token its .pub file (default: one in ~/.ssh)"),
  certificate: z
    .string()
    .optional()
    .meta({ value: "FILE" })
    .describe("your member certificate (default: beside the key, else in trust/certificates/)"),
  yes: z.boolean().default(false).describe("sign and deploy without being asked"),
};

export const connectionFlags = {
  identity: z
    .string()
    .optional()
    .meta({ short: "i", value: "FILE" })
    .describe("a private key to log in with (default: what ssh takes: its configuration, the agent)"),
};

export function rebootsOf(
  given: z.output<z.ZodObject<typeof rebootFlags>> & { readonly action?: Action | undefined },
): Reboots {
  const some = given.reboot || given.rebootIfNeeded;
  if (some && given.action === "test")
    throw new NixsealError("usage", "--reboot goes with the actions switch and boot", {
      hint: "what is only tried runs until the next boot: a reboot would end it",
    });
  if (given.reboot && given.rebootIfNeeded)
    throw new NixsealError("usage", "--reboot and --reboot-if-needed exclude each other");
  return given.reboot ? "always" : given.rebootIfNeeded ? "if-needed" : "never";
}

type Waves = z.output<z.ZodObject<typeof waveFlags>>;

/** The command line, else `[deploy]` of fleet.toml. */
export function rolloutOf(given: Waves, defaults: DeployDefaults): RolloutPlan {
  return {
    canary: given.canary ?? defaults.canary,
    steps: given.wave.length > 0 ? given.wave : defaults.waves,
    soak: given.soak === undefined ? defaults.soak : rules.seconds(given.soak),
    parallel: given.parallel ?? defaults.parallel,
    budget: { failures: given.failures ?? defaults.failures, beyond: given.onFailure ?? defaults.onFailure },
  };
}
