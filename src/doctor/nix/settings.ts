/** Nix's configuration files (nix.conf(5)): what the daemon reads when it starts. */
import { dirname, join } from "node:path";
import { NixsealError } from "../../core/errors.ts";
import { readText, type DoctorHost } from "../host.ts";

export interface Setting {
  readonly value: string;
  readonly file: string;
  readonly line: number;
}

/** All values of each setting, in the order of reading; `extra-NAME` counts to NAME with what it adds. */
export type Settings = ReadonlyMap<string, readonly Setting[]>;

const mostFiles = 64;

/** `include FILE` must be there, `!include FILE` may be; a line that is neither that nor `name = value` is `malformed`. */
export async function readSettings(
  host: Pick<DoctorHost, "files" | "root">,
  paths: readonly string[],
): Promise<Settings> {
  const settings = new Map<string, Setting[]>();
  let count = 0;
  const readFile = async (path: string, required: boolean): Promise<void> => {
    if ((count += 1) > mostFiles)
      throw new NixsealError("limit", "Nix's configuration includes too many files", {
        where: { file: path },
      });
    const text = await readText(host, path);
    if (text === null && required)
      throw new NixsealError("not-found", "an included file is missing", { where: { file: path } });
    for (const [index, raw] of (text ?? "").split("\n").entries()) {
      const words = raw.replace(/#.*$/, "").trim().split(/\s+/);
      const [first = "", second = ""] = words;
      if (first === "") continue;
      if (first === "include" || first === "!include") {
        await readFile(second.startsWith("/") ? second : join(dirname(path), second), first === "include");
        continue;
      }
      if (second !== "=")
        throw new NixsealError("malformed", "this line of Nix's configuration is not understood", {
          where: { file: path, line: index + 1 },
        });
      const setting = { value: words.slice(2).join(" "), file: path, line: index + 1 };
      const extra = first.startsWith("extra-");
      const name = extra ? first.slice("extra-".length) : first;
      settings.set(name, extra ? [...(settings.get(name) ?? []), setting] : [setting]);
    }
  };
  for (const path of paths) await readFile(path, false);
  return settings;
}

export function wordsOf(settings: Settings, name: string): { word: string; setting: Setting }[] {
  return (settings.get(name) ?? []).flatMap((setting) =>
    setting.value
      .split(/\s+/)
      .filter((word) => word !== "")
      .map((word) => ({ word, setting })),
  );
}
