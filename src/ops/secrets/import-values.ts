import { basename, join } from "node:path";
import { fromBase64, utf8Text } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import { SecretValue } from "../../core/secret-value.ts";
import { planAdd } from "../../inventory/edit/change.ts";
import type { SecretName } from "../../inventory/model.ts";
import { recipientsOf } from "../../inventory/recipients.ts";
import { oneSecret, selectHosts } from "../../inventory/selectors.ts";
import { openSops } from "../../secrets/store/sops.ts";
import { parseSops, sopsLimits } from "../../secrets/store/sops-document.ts";
import { ciphertextFile } from "../../secrets/store/stored-secret.ts";
import { setValue } from "../../secrets/store/set-value.ts";
import { ownersOfKeys, requireDistinctNames, secretName } from "../../secrets/store/taken.ts";
import { openFleet } from "../fleet-context.ts";
import { diffOf, planIn, writeChanges } from "../fleet-edit.ts";
import { withLockedStore } from "./locked-store.ts";
import type { Context } from "../op.ts";
import { loadIdentities } from "./identities.ts";
import type { ImportOptions, ImportReport } from "./import.ts";
import { recipientParser } from "./recipient-parser.ts";

interface TakenValue {
  readonly name: string;
  readonly from: string;
  readonly value: SecretValue;
  readonly hosts: readonly string[];
  /** null: the default of the inventory. */
  readonly readers: readonly string[] | null;
}

const mostFiles = 10_000;

/** A SOPS file with age recipients: each encrypted value becomes a secret for the hosts and readers of the file. */
export async function importSops(
  context: Context,
  file: string,
  options: ImportOptions,
): Promise<ImportReport> {
  const text = utf8Text(await context.files.read(file, { limit: sopsLimits.bytes }), "the SOPS file");
  const document = await parseSops(text);
  const { fleet } = await openFleet(context);
  const keys = document.age.map(({ recipient }) => recipient);
  const [owners] = ownersOfKeys([{ what: basename(file), keys }], fleet);
  const values = await openSops(document, await loadIdentities(context, options.identity));
  const stem = basename(file).replace(/(\.(enc|sops))?\.(ya?ml|json|bin)$/, "");
  // SOPS keeps a whole file (`--input-type binary`) as the one value `data`.
  const whole = values.length === 1 && values[0]!.path.join() === "data";
  const taken = values.map(({ path, value }) => ({
    name: secretName(whole ? stem : path.join("-")),
    from: path.join("."),
    value,
    ...owners!,
  }));
  return importValues(context, taken, options, false);
}

/**
 * nix-infra's directory of secrets. Its `openssl enc -pbkdf2 -a` names no cipher, and what OpenSSL writes then is plain
 * base64: whoever had the directory had the values.
 */
export async function importNixInfra(
  context: Context,
  directory: string,
  options: ImportOptions,
): Promise<ImportReport> {
  if (options.hosts.length === 0)
    throw new NixsealError("usage", "--hosts is missing", {
      hint: "nix-infra's files do not say which hosts they are for: name them, for example --hosts 'tag:web'",
    });
  selectHosts((await openFleet(context)).fleet, options.hosts); // a typo is said before anything is read
  const names = await context.files.list(directory);
  if (names.length > mostFiles) throw new NixsealError("limit", `more than ${mostFiles} files`);
  const taken: TakenValue[] = [];
  for (const name of names) {
    const path = join(directory, name);
    if ((await context.files.statusOfLink(path))?.kind !== "file") continue;
    const text = utf8Text(await context.files.read(path, { limit: sopsLimits.bytes }), name);
    const value = fromBase64(text.replace(/[\r\n]/g, ""));
    if (value === null)
      throw new NixsealError("malformed", "not a secret of nix-infra: it is not base64", {
        where: { file: path },
      });
    if (Buffer.from(value.subarray(0, 8)).toString("latin1") === "Salted__")
      throw new NixsealError("refused", "this file is really encrypted; decrypt it with nix-infra", {
        where: { file: path },
      });
    taken.push({
      name: secretName(name),
      from: name,
      value: new SecretValue(value),
      hosts: options.hosts,
      readers: null,
    });
  }
  return importValues(context, taken, options, true);
}

/** Encrypts values to the recipients of the entries that it adds. What the inventory has already is left alone. */
async function importValues(
  context: Context,
  taken: readonly TakenValue[],
  { dryRun }: ImportOptions,
  exposed: boolean,
): Promise<ImportReport> {
  requireDistinctNames(taken.map(({ name, from }) => ({ name, what: from })));
  return withLockedStore(context, "secrets import", dryRun, async ({ directory, fleet }) => {
    const fresh = taken.filter(({ name }) => !fleet.secrets.has(name as SecretName));
    const entries = fresh.map(({ name, hosts, readers }) => ({
      name,
      fields: [["hosts", hosts] as const, ...(readers === null ? [] : [["readers", readers] as const])],
    }));
    const plan = await planIn(context.files, directory, (sources) => planAdd(sources, "secret", entries));
    const after = plan.fleet ?? fleet;
    for (const { name } of fresh) await requireNoFile(context, directory, name);
    if (!dryRun) {
      for (const { name, value } of fresh) {
        const wanted = recipientsOf(after, oneSecret(after, name));
        await setValue(name, value.reveal(), wanted, directory, context, recipientParser(context));
      }
      await writeChanges(context.files, directory, plan);
    }
    for (const { value } of taken) value.wipe();
    return {
      imported: fresh.map(({ name, from, hosts, readers }) => ({
        secret: name,
        from,
        hosts: [...hosts],
        readers: readers === null ? null : [...readers],
      })),
      present: taken.filter((one) => !fresh.includes(one)).map(({ name }) => name),
      missing: [],
      exposed,
      dryRun,
      diff: diffOf(plan),
    };
  });
}

/** A file that no entry names may be somebody's only copy. */
async function requireNoFile({ files }: Context, directory: string, name: string): Promise<void> {
  const file = ciphertextFile(name);
  if ((await files.statusOfLink(join(directory, file))) === null) return;
  throw new NixsealError("conflict", `${file} is there already and belongs to no secret`, {
    hint: "move it away, or declare it, then import again",
    where: { file },
  });
}
