import { dirname, join } from "node:path";
import { sameBytes, utf8Text } from "../../core/bytes.ts";
import { at, NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import { planAdd } from "../../inventory/edit/change.ts";
import type { SecretName } from "../../inventory/model.ts";
import { limits } from "../../secrets/age/limits.ts";
import { agenixLimit, parseAgenixRules, takeRules, type TakenRule } from "../../secrets/store/agenix.ts";
import { ciphertextFile, readAgeHeader } from "../../secrets/store/stored-secret.ts";
import { diffOf, planIn, writeChanges } from "../fleet-edit.ts";
import { withLockedStore } from "./locked-store.ts";
import type { Context } from "../op.ts";
import type { ImportOptions, ImportReport } from "./import.ts";

/** Files and recipients of agenix, byte for byte: nothing is re-encrypted. */
export async function importAgenix(
  context: Context,
  rulesFile: string,
  { keepPaths, dryRun }: ImportOptions,
): Promise<ImportReport> {
  const rules = parseAgenixRules(await evaluate(context, rulesFile));
  return withLockedStore(context, "secrets import", dryRun, async ({ directory, fleet }) => {
    const taken = takeRules(rules, fleet);
    const present = taken.filter(({ name }) => fleet.secrets.has(name as SecretName));
    const fresh = taken.filter((rule) => !present.includes(rule));
    const entries = fresh.map((rule) => ({ name: rule.name, fields: fieldsOf(rule, keepPaths) }));
    const plan = await planIn(context.files, directory, (sources) => planAdd(sources, "secret", entries));
    const missing: string[] = [];
    for (const rule of taken)
      if (!(await takeFile(context, dirname(rulesFile), directory, rule, dryRun))) missing.push(rule.name);
    // The files first: killed in between they are strays, and importing again goes on from there.
    if (!dryRun) await writeChanges(context.files, directory, plan);
    return {
      imported: fresh.map(({ name, file, hosts, readers }) => ({
        secret: name,
        from: file,
        hosts: [...hosts],
        readers: [...readers],
      })),
      present: present.map(({ name }) => name),
      missing,
      exposed: false,
      dryRun,
      diff: diffOf(plan),
    };
  });
}

/** Only evaluates: nothing is built, and the store is not touched. */
async function evaluate({ processes, files }: Context, rulesFile: string): Promise<string> {
  if ((await files.status(rulesFile)) === null)
    throw new NixsealError("not-found", "no such rules file", { where: { file: rulesFile } });
  const options = ["--option", "store", "dummy://", "--option", "allow-import-from-derivation", "false"];
  const args = ["--eval", "--json", "--strict", ...options, rulesFile];
  const { code, stdout, stderr } = await processes.run({
    program: "nix-instantiate",
    args,
    maxOutput: agenixLimit,
  });
  if (code === 0) return utf8Text(stdout, "the rules");
  throw new NixsealError(
    "tool",
    `nix-instantiate could not evaluate the rules:\n${stderr.trim().slice(-2000)}`,
    {
      where: { file: rulesFile },
    },
  );
}

function fieldsOf({ name, hosts, readers }: TakenRule, keepPaths: boolean) {
  return [
    ["hosts", hosts],
    ["readers", readers],
    ...(keepPaths ? [["path", `/run/agenix/${name}`] as const] : []),
  ] as const;
}

/** Copies the ciphertext byte for byte; false when the rule has no file. A different file of the same name is never replaced. */
async function takeFile(
  { files }: Context,
  from: string,
  directory: string,
  { name, file }: TakenRule,
  dryRun: boolean,
): Promise<boolean> {
  const [source, target] = [join(from, file), join(directory, ciphertextFile(name))];
  const status = await files.status(source);
  if (status === null) return false;
  if (status.kind !== "file")
    throw new NixsealError("malformed", "is not a regular file", { where: { file: source } });
  const ciphertext = await readAgeFile(files, source);
  const there =
    (await files.status(target)) === null ? null : await files.read(target, { limit: limits.plaintext });
  if (there !== null && !sameBytes(there, ciphertext))
    throw new NixsealError("conflict", `${ciphertextFile(name)} is another file than ${file}`, {
      hint: "move one of the two away, then import again",
      where: { file: target },
    });
  if (there === null && !dryRun) {
    await files.makeDirectory(dirname(target), { mode: 0o755, parents: true });
    await files.writeAtomic(target, ciphertext, { mode: 0o644 });
  }
  return true;
}

/** A symlink in somebody else's repository may lead to any file of ours: only what is encrypted is copied. */
async function readAgeFile(files: Pick<Files, "read">, path: string): Promise<Uint8Array> {
  const ciphertext = await files.read(path, { limit: limits.plaintext });
  try {
    readAgeHeader(ciphertext);
    return ciphertext;
  } catch (error) {
    throw at(error, { file: path });
  }
}
