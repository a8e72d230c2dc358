import { NixsealError } from "../core/errors.ts";
import type { Files } from "../core/file-ports.ts";
import { resolveTrusted } from "../secrets/install/trusted-path.ts";
import type { Option, Values } from "./verb.ts";

export const rootOption: Option = {
  name: "root",
  value: "DIR",
  summary: "a directory that prefixes every path on the host (images, tests)",
};

/**
 * Empty for the running system, else absolute and without symlinks: what is below is compared with it as text.
 * `refused` when others could exchange a part of it while root writes there.
 */
export async function rootOf(
  files: Pick<Files, "realPath" | "status" | "statusOfLink" | "readLink">,
  values: Values,
): Promise<string> {
  const root = values["root"];
  if (typeof root !== "string") return "";
  const real = await files.realPath(root);
  if (real === "/") return "";
  if ((await resolveTrusted(files, "", real)).trusted) return real;
  throw new NixsealError("refused", "others can change the root directory", {
    hint: `chown root '${real}' and chmod go-w '${real}'`,
    where: { file: real },
  });
}
