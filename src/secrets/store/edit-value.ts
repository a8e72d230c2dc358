import { join } from "node:path";
import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import type { Processes } from "../../core/ports.ts";
import { SecretValue } from "../../core/secret-value.ts";
import { limits } from "../age/limits.ts";

/**
 * Lets the person's editor change a value. The plaintext lies in a directory of mode 0700 in memory, which is removed
 * however the editor ends. Null when nothing was changed.
 */
export async function editValue(
  value: SecretValue,
  editor: string,
  ports: { readonly files: Files; readonly processes: Processes },
): Promise<SecretValue | null> {
  const [program, ...args] = editor.split(/\s+/).filter((word) => word !== "");
  if (program === undefined) throw new NixsealError("usage", "no editor", { hint: "set EDITOR" });
  const directory = await ports.files.privateDirectory();
  try {
    const path = join(directory, "value");
    await ports.files.create(path, value.reveal(), { mode: 0o600 });
    const { code } = await ports.processes.run({ program, args: [...args, path], terminal: true });
    if (code !== 0)
      throw new NixsealError("cancelled", `${program} ended with exit code ${code}`, {
        hint: "nothing was changed",
      });
    const edited = new SecretValue(await ports.files.read(path, { limit: limits.plaintext, follow: false }));
    return Buffer.compare(edited.reveal(), value.reveal()) === 0 ? null : edited;
  } finally {
    await ports.files.removeTree(directory);
  }
}
