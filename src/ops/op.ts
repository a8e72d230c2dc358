import * as z from "zod";
import type { Emit } from "../core/events.ts";
import type { Ports } from "../core/ports.ts";
import type { SecretValue } from "../core/secret-value.ts";

/** What an operation may use: the ports and what the person said for the whole command. */
export interface Context extends Ports {
  readonly emit: Emit;
  readonly workingDirectory: string;
  /** `--fleet`: where fleet.toml lies; without it the search goes upwards from the working directory. */
  readonly fleet: string | undefined;
  /** `--json`: stdout is for one JSON document and nothing else. */
  readonly json: boolean;
  /** From `--passphrase-fd` when it was given, else asked without echo; `refused` when nobody is there. */
  readonly passphrase: (question: string) => Promise<SecretValue>;
  /**
   * With `--passphrase-fd`: the program that OpenSSH's tools are to ask for it (`SSH_ASKPASS`), which reads it from descriptor
   * 3. Null without: they ask the person themselves.
   */
  readonly askpass: string | null;
  /** The command line of `nixseal-agent`, which comes in the same package. */
  readonly agent: readonly string[];
}

/** Colours for people; each gives its text back unchanged where there is no terminal. */
export interface Paint {
  good(text: string): string;
  bad(text: string): string;
  weak(text: string): string;
  strong(text: string): string;
}

export interface Example {
  readonly command: string;
  readonly says: string;
}

/**
 * One verb. From this value come the flags, `--help`, `--json`, the completions, the library function and the MCP tool.
 *
 * A field of `input` is the flag `--kebab-case`; `.describe()` is its help; `.meta({ short: "r", value: "FILE" })` gives
 * it a one-letter name and names its value. Fields listed in `positional` are taken by position; the last may be a list.
 */
export interface Op<Input extends z.ZodObject = z.ZodObject, Output = unknown> {
  /** `read` changes nothing, `plan` writes only what it was told to write its plan to, `write` changes things. */
  readonly effect: "read" | "plan" | "write";
  readonly input: Input;
  readonly output: z.ZodType<Output>;
  readonly positional?: readonly (keyof z.input<Input> & string)[];
  /** The field of all words after `--`, as they are: a command of the person's own. */
  readonly rest?: keyof z.input<Input> & string;
  readonly examples: readonly [Example, ...Example[]];
  /** Returns data and never prints. A payload that may be large (`age decrypt`) goes to `context.streams` in pieces. */
  run(context: Context, input: z.output<Input>): Promise<Output>;
  /** The result for people; the empty string prints nothing. Bytes are a payload and are written as they are. */
  text(output: Output, paint: Paint, input: z.output<Input>): string | Uint8Array;
  /** Whether `--json` writes this result, which is a list, as one document a line (NDJSON): for batches. */
  lines?(output: Output): boolean;
  /** Lines for stderr about inputs that failed while others did not. With `--json` they stand in the document instead. */
  complaints?(output: Output): readonly string[];
  /** For verbs whose result decides the exit code (findings). Default: 0. Only a command that ran in our place has others. */
  exit?(output: Output): number;
}

/** An operation with its types forgotten, as the registry and the CLI handle it. */
export interface AnyOp extends Omit<Op<z.ZodObject, never>, "input" | "output"> {
  /** In the order of their definition. */
  flags(): readonly Flag[];
  /** What `run` takes, from the values of flags by their fields; or what is wrong with one. */
  check(given: Readonly<Record<string, unknown>>): Checked;
}

export type Checked =
  | { readonly input: Record<string, unknown> }
  | { readonly wrong: string; readonly field: string | undefined };

/** Checks the definition's types. */
export function op<Input extends z.ZodObject, Output>(
  definition: Op<Input, Output>,
): AnyOp & { readonly input: z.ZodObject } {
  const { input } = definition;
  return {
    ...(definition as unknown as Op<z.ZodObject, never>),
    flags: () => flagsOf(input),
    check: (given) => {
      const parsed = input.safeParse(given);
      if (parsed.success) return { input: parsed.data };
      const [issue] = parsed.error.issues;
      const field = issue?.path[0];
      const wrong = issue?.message ?? "invalid input";
      return { wrong, field: typeof field === "string" ? field : undefined };
    },
  };
}

/** A flag as the input schema describes it, or as it is written out where there is none (flag-op.ts). */
export interface Flag {
  readonly field: string;
  readonly type: "string" | "boolean" | "number";
  readonly many: boolean;
  readonly required: boolean;
  readonly description: string;
  readonly short?: string;
  readonly value?: string;
  readonly choices?: readonly string[];
  readonly default?: unknown;
}

interface FieldSchema {
  readonly type?: string;
  readonly items?: FieldSchema;
  readonly enum?: readonly string[];
  readonly description?: string;
  readonly short?: string;
  readonly value?: string;
  readonly default?: unknown;
}

function flagsOf(input: z.ZodObject): Flag[] {
  const schema = z.toJSONSchema(input, { io: "input", unrepresentable: "any" });
  const required = new Set(schema.required ?? []);
  return Object.entries((schema.properties ?? {}) as Record<string, FieldSchema>).map(([field, property]) => {
    const one = property.type === "array" ? (property.items ?? {}) : property;
    return {
      field,
      type:
        one.type === "boolean"
          ? "boolean"
          : one.type === "integer" || one.type === "number"
            ? "number"
            : "string",
      many: property.type === "array",
      required: required.has(field),
      description: property.description ?? "",
      ...(property.short === undefined ? {} : { short: property.short }),
      ...(property.value === undefined ? {} : { value: property.value }),
      ...(one.enum === undefined ? {} : { choices: one.enum }),
      ...(property.default === undefined ? {} : { default: property.default }),
    };
  });
}
