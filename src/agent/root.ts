import type { Files } from "../core/ports.ts";
import type { Option, Values } from "./verb.ts";

export const rootOption: Option = {
  name: "root",
  value: "DIR",
  summary: "a directory that prefixes every path on the host (images, tests)",
};

/** Empty for the running system, else absolute and without symlinks: what is below is compared with it as text. */
export async function rootOf(files: Pick<Files, "realPath">, values: Values): Promise<string> {
  const root = values["root"];
  if (typeof root !== "string") return "";
  const real = await files.realPath(root);
  return real === "/" ? "" : real;
}
