import * as z from "zod";
import { listNar, type NarListing } from "../../nix/nar/list.ts";
import { op } from "../op.ts";
import { inputStream, naming } from "./input.ts";

const listing: z.ZodType<NarListing> = z.lazy(() =>
  z.discriminatedUnion("type", [
    z.object({
      type: z.literal("regular"),
      size: z.number(),
      executable: z.literal(true).exactOptional(),
      narOffset: z.number(),
    }),
    z.object({ type: z.literal("symlink"), target: z.string() }),
    z.object({ type: z.literal("directory"), entries: z.record(z.string(), listing) }),
  ]),
);

export const narLs = op({
  effect: "read",
  input: z.object({ file: z.string().describe("a NAR, not compressed; - is stdin").meta({ value: "FILE" }) }),
  positional: ["file"],
  output: listing,
  examples: [
    { command: "nixseal nix nar-ls hello.nar", says: "what is in it" },
    {
      command: "xz -dc hello.nar.xz | nixseal nix nar-ls - --json",
      says: "as `nix nar ls --json --recursive`",
    },
  ],
  run: (context, { file }) => naming(file, () => listNar(inputStream(context, file))),
  text: (output) => rows(output, ".").join("\n"),
});

/** As `nix nar ls --long --recursive`, in the order of the archive. */
function rows(top: NarListing, topName: string): string[] {
  const lines: string[] = [];
  const waiting: [string, NarListing][] = [[topName, top]];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [path, node] = next;
    lines.push(row(shown(path), node));
    if (node.type === "directory")
      for (const [name, child] of Object.entries(node.entries).toReversed())
        waiting.push([shortened(`${path}/${name}`), child]);
  }
  return lines;
}

function row(path: string, node: NarListing): string {
  if (node.type === "directory") return `dr-xr-xr-x ${"0".padStart(20)} ${path}`;
  if (node.type === "symlink") return `lrwxrwxrwx ${"0".padStart(20)} ${path} -> ${shown(node.target)}`;
  return `${node.executable === true ? "-r-xr-xr-x" : "-r--r--r--"} ${String(node.size).padStart(20)} ${path}`;
}

/** No file system reaches a longer path. Without a bound a small archive could make a listing without end. */
function shortened(path: string): string {
  return path.length <= 4096 ? path : `…${path.slice(-4000)}`;
}

/** A name may hold line ends and terminal sequences. */
function shown(name: string): string {
  return /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(name)
    ? JSON.stringify(name).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "?")
    : name;
}
