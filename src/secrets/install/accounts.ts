import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import type { Processes } from "../../core/ports.ts";
import { resolveTrusted } from "./trusted-path.ts";

type Database = "passwd" | "group";

/** Finds numbers of accounts. Throws `not-found` for a name that nobody knows. */
export interface Accounts {
  user(name: string): Promise<number>;
  group(name: string): Promise<number>;
}

const fileLimit = 16 << 20;
const answerLimit = 1 << 20;
const answerTime = 10_000;

/** passwd(5) and group(5) alike: the name in field 1, the number in field 3; the first line with a name counts. */
export function parseAccounts(text: string): ReadonlyMap<string, number> {
  const numbers = new Map<string, number>();
  for (const line of text.split("\n")) {
    const [name, , number] = line.split(":");
    if (name === undefined || name === "" || number === undefined || numbers.has(name)) continue;
    if (/^\d{1,10}$/.test(number) && Number(number) < 2 ** 32 - 1) numbers.set(name, Number(number));
  }
  return numbers;
}

/**
 * Numbers stand for themselves. Names come from the files, and only when they are not there from `getent`, which
 * asks the whole name service (LDAP, systemd-userdbd, …) and may be slow. With a root other than `/` only the
 * files count: the running system's accounts are not those of an image.
 */
export function accountsOf(files: Files, processes: Pick<Processes, "run">, root: string): Accounts {
  const known = new Map<Database, Promise<ReadonlyMap<string, number>>>();
  const find = async (database: Database, name: string): Promise<number> => {
    if (/^\d+$/.test(name)) return Number(name);
    if (name === "root") return 0;
    const table = known.get(database) ?? readDatabase(files, root, database);
    known.set(database, table);
    const number =
      (await table).get(name) ?? (root === "" ? await ask(processes, database, name) : undefined);
    if (number !== undefined) return number;
    const kind = database === "passwd" ? "user" : "group";
    throw new NixsealError("not-found", `there is no ${kind} '${name}'`, {
      hint: `declare the ${kind} in the configuration, or correct the secret's ${kind === "user" ? "owner" : "group"}`,
    });
  };
  return { user: (name) => find("passwd", name), group: (name) => find("group", name) };
}

async function readDatabase(
  files: Files,
  root: string,
  database: Database,
): Promise<ReadonlyMap<string, number>> {
  const found = await resolveTrusted(files, root, `/etc/${database}`);
  if (found.missing.length > 0) return new Map();
  const bytes = await files.read(found.path, { limit: fileLimit, follow: false });
  // Not strict about UTF-8: a comment field in another encoding must not cost every secret its owner.
  return parseAccounts(new TextDecoder().decode(bytes));
}

async function ask(
  processes: Pick<Processes, "run">,
  database: Database,
  name: string,
): Promise<number | undefined> {
  const command = { program: "getent", args: [database, name], timeout: answerTime, maxOutput: answerLimit };
  const answer = await processes.run(command);
  return answer.code === 0 ? parseAccounts(new TextDecoder().decode(answer.stdout)).get(name) : undefined;
}
