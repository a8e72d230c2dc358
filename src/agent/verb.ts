import type { InstallPorts } from "../secrets/install/install.ts";
import type { OpenIdentities } from "../secrets/install/decrypt-stage.ts";
import type { ExitCode } from "../core/exit.ts";
import type { Downloads, Http, Uploads } from "../core/http-ports.ts";
import type { Person, Random, Sockets, Streams } from "../core/ports.ts";

/** What a verb of the agent may use. */
export interface AgentContext extends InstallPorts {
  readonly version: string;
  /** This program's own command line, to start it again. */
  readonly program: readonly string[];
  readonly openIdentities: OpenIdentities;
  readonly random: Random;
  readonly streams: Pick<Streams, "stdin" | "stdout" | "stdinIsTerminal" | "stdoutIsTerminal">;
  readonly person: Person;
  readonly sockets: Sockets;
  readonly downloads: Downloads;
  readonly uploads: Uploads;
  /** The command line of `nixseal`, which comes in the same package: for what needs more than this program loads. */
  readonly verifier: readonly string[];
  readonly http: Http;
  readonly out: (text: string) => Promise<void>;
  /** What people and the journal read: reasons, warnings. */
  readonly say: (text: string) => void;
}

export interface Option {
  readonly name: string;
  /** What stands for the value in the help; without it the option is a switch. */
  readonly value?: string;
  readonly required?: boolean;
  readonly choices?: readonly string[];
  readonly summary: string;
}

/** Values of options by name; `true` for a switch. */
export type Values = Readonly<Record<string, string | true | undefined>>;

/** A command; its name and what it is for stand in registry.ts. */
export interface AgentVerb {
  readonly options: readonly Option[];
  /** The one word that it takes beside options. */
  readonly argument?: { readonly name: string; readonly summary: string };
  readonly examples: readonly string[];
  /** Exit codes beside 0, 2 and 70. */
  readonly exits: readonly string[];
  run(context: AgentContext, values: Values, argument: string): Promise<ExitCode>;
}
