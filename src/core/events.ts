/**
 * What leaves a running operation beside its result. Operations emit; the CLI renders them for people or,
 * with `--events`, writes them as NDJSON on stderr. No event ever carries a secret value.
 */
export type Event =
  /** Work with a known size: `done` of `total`, counted in `unit` ("secrets", "bytes"). */
  | {
      readonly type: "progress";
      readonly task: string;
      readonly done: number;
      readonly total: number;
      readonly unit: string;
    }
  /** A step that is worth a line for a person who watches. */
  | { readonly type: "step"; readonly message: string }
  /** Something is wrong that does not stop the work. */
  | { readonly type: "warning"; readonly message: string; readonly hint?: string };

export type Emit = (event: Event) => void;
