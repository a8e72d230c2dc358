import type { StockNix } from "../../support/stock-nix.ts";

export interface Judgement {
  readonly accepted: boolean;
  /** What `nix-instantiate --parse` printed; null where it stopped at an undefined variable, which is no matter of syntax. */
  readonly form: string | null;
  readonly message: string;
}

/**
 * Has stock Nix parse files. Those that it should take go to it together; it stops at the first that it refuses, so
 * the batch is halved then. Those that it should refuse go one by one.
 */
export function stockParse(
  nix: StockNix,
  files: readonly string[],
  expected: "accepted" | "refused",
): Map<string, Judgement> {
  const judgements = new Map<string, Judgement>();
  const waiting = expected === "accepted" ? [files] : files.map((file) => [file]);
  for (let batch = waiting.pop(); batch !== undefined; batch = waiting.pop()) {
    if (batch.length === 0) continue;
    const { status, stdout, stderr } = nix.try("nix-instantiate", ["--parse", "--", ...batch]);
    const forms = stdout.toString().split("\n").slice(0, -1);
    if (status === 0 && forms.length === batch.length) {
      for (const [index, file] of batch.entries())
        judgements.set(file, { accepted: true, form: forms[index]!, message: "" });
    } else if (batch.length > 1) {
      const half = batch.length >> 1;
      waiting.push(batch.slice(half), batch.slice(0, half));
    } else {
      const message = stderr.toString();
      const accepted = message.includes("undefined variable");
      judgements.set(batch[0]!, { accepted, form: null, message });
    }
  }
  return judgements;
}
