import { openRange } from "../../trust/commits/range.ts";
import type { Context } from "../op.ts";
import type { Input, Judged } from "./judge.ts";

/** The range in the repository that `directory` lies in, judged as the flags say. */
export async function judgeRange(context: Context, input: Input, directory: string): Promise<Judged> {
  const revisions = input.range.length === 0 ? ["HEAD"] : input.range;
  // Git is at work while the verifier is loaded and reads what it was given.
  const opening = openRange(context.processes, context.files, directory, revisions);
  opening.catch(() => undefined); // told where it is awaited
  const { judge } = await import("./judge.ts");
  return judge(context, input, opening);
}
