import type { AnyOp, Checked, Flag, Op } from "./op.ts";

type Given = "effect" | "examples" | "complaints";

/** As `Op`, with `flags` in place of the schemas. `Input` is written by hand beside them; its fields are their names. */
interface FlagOp<Input, Output> extends Pick<Op, Given> {
  readonly flags: { readonly [Field in keyof Input]-?: Pick<Flag, "type" | "description"> & Partial<Flag> };
  readonly positional?: readonly (keyof Input & string)[];
  run: (...args: [Parameters<Op["run"]>[0], Input]) => Promise<Output>;
  text: (...args: [Output, Parameters<Op["text"]>[1], Input]) => string;
  exit?: (output: Output) => ReturnType<NonNullable<Op["exit"]>>;
}

/** A verb of which people and hooks wait for the start: to load the schemas of the others takes longer than all its work. */
export function flagOp<Input, Output>({ flags, ...definition }: FlagOp<Input, Output>): AnyOp {
  const list = Object.entries<Partial<Flag>>(flags).map(
    ([field, flag]) => ({ field, many: false, required: false, ...flag }) as Flag,
  );
  return {
    ...(definition as unknown as Omit<AnyOp, "flags" | "check">),
    flags: () => list,
    check: (given) => checkByFlags(list, given),
  };
}

/** Types are right already: the values come from words, by the type of their flag. */
function checkByFlags(flags: readonly Flag[], given: Readonly<Record<string, unknown>>): Checked {
  const input: Record<string, unknown> = {};
  for (const { field, choices, default: otherwise } of flags) {
    const value = given[field] ?? otherwise;
    if (value === undefined) continue;
    if (choices !== undefined && !choices.some((choice) => choice === value))
      return { wrong: `expected one of ${choices.join(", ")}`, field };
    input[field] = value;
  }
  return { input };
}
