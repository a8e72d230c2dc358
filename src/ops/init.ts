import { basename, join, resolve } from "node:path";
import * as z from "zod";
import { utf8 } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import { entryText, stringSource } from "../inventory/edit/add-entry.ts";
import * as rules from "../inventory/field-rules.ts";
import { inspectSources, loadFleet, problemsError } from "../inventory/load.ts";
import { isAgeKey } from "../inventory/ssh-key.ts";
import { fleetFileName, sourceOf } from "../inventory/sources.ts";
import { keyView } from "./host/view.ts";
import { readKeys } from "./key-lines.ts";
import { matching } from "./matching.ts";
import { op, type Context } from "./op.ts";
import { initDefaults, makeRoot } from "./trust/init.ts";

const ignored = `# only a run that was killed leaves these behind
.*.tmp
.nixseal.lock
`;

export const init = op({
  effect: "write",
  input: z.object({
    name: matching(rules.name)
      .meta({ value: "NAME" })
      .describe("the name of the fleet (default: that of the directory)")
      .optional(),
    member: matching(rules.name)
      .meta({ value: "NAME" })
      .describe("the first member (default: your user name)")
      .optional(),
    key: z
      .array(z.string())
      .default([])
      .meta({ value: "FILE" })
      .describe("the member's SSH public key (default: ~/.ssh/id_ed25519.pub)"),
    root: z
      .boolean()
      .default(false)
      .describe("make the root too, signed with the member's key, without being asked"),
  }),
  output: z.object({
    directory: z.string(),
    name: z.string(),
    member: z.string(),
    keys: z.array(keyView),
    created: z.array(z.string()),
    root: z.string().nullable().describe("the root's file; null when there is none yet"),
  }),
  examples: [
    { command: "nixseal init", says: "in the directory of the configuration" },
    { command: "nixseal init --name bos55 --member alice --key alice.pub", says: "with everything said" },
  ],
  run: async (context, input) => {
    const directory = resolve(context.workingDirectory, context.fleet ?? ".");
    await refuseExisting(context, join(directory, fleetFileName));
    const name = input.name ?? nameFrom(basename(directory), "--name", "the directory");
    const user = context.environment.get("USER") ?? context.environment.get("LOGNAME") ?? "";
    const member = input.member ?? nameFrom(user, "--member", "your user name");
    const keys = await readKeys(context, input.key.length > 0 ? input.key : [await usualKey(context)]);
    if (!keys.some(isAgeKey))
      throw new NixsealError(
        "usage",
        "age cannot encrypt to this key, so you could not read your own secrets",
        {
          hint: "bring an ssh-ed25519 key: ssh-keygen -t ed25519, then --key FILE",
        },
      );
    const text = fleetText(
      name,
      member,
      keys.map(({ line }) => line),
    );
    const { problems } = await inspectSources([sourceOf(fleetFileName, utf8(text))]);
    if (problems.length > 0) throw problemsError(problems);
    const created = await createFiles(context, directory, text);
    const root = await offerRoot(context, directory, input.root);
    return {
      directory,
      name,
      member,
      keys: keys.map(({ type, fingerprint }) => ({ type, fingerprint })),
      created: root === null ? created : [...created, root],
      root,
    };
  },
  text: ({ name, member, keys, created, root }) => `made ${created.join(", ")}
for the fleet ${name} with the member ${member}, whose key is ${keys.map(({ fingerprint }) => fingerprint).join(", ")}

Next:
  nixseal host add NAME ADDRESS    adds a machine by its SSH host key
  [secrets.NAME] in fleet.toml     says which hosts get a secret
  nixseal secrets set NAME         encrypts its value to them
${root === null ? "  nixseal trust init               makes the root: who decides, from now on\n" : ""}  nixseal fleet check              looks at the whole`,
});

/**
 * The root with the member's own key as root and CA key, which no file of ours ever holds: the key stays where it
 * is, in its file behind a passphrase, in an agent or in a token. With nobody at a terminal only when told to.
 */
async function offerRoot(context: Context, directory: string, told: boolean): Promise<string | null> {
  const question = "Make the root of the fleet's trust now, with your key as its first root and CA key?";
  if (!told && !(context.streams.stdinIsTerminal && (await context.person.askYesNo(question)))) return null;
  const fleet = await loadFleet(context.files, directory);
  try {
    return (await makeRoot(context, directory, fleet, initDefaults)).file;
  } catch (error) {
    if (told || !(error instanceof NixsealError)) throw error;
    // The fleet is made and sound without it.
    const hint = error.hint === undefined ? {} : { hint: error.hint };
    context.emit({ type: "warning", message: `there is no root yet: ${error.message}`, ...hint });
    return null;
  }
}

async function refuseExisting(context: Pick<Context, "files">, path: string): Promise<void> {
  if ((await context.files.statusOfLink(path)) === null) return;
  throw new NixsealError("conflict", "there is a fleet.toml already", {
    hint: "'nixseal fleet check' looks at it; nothing was changed",
    where: { file: path },
  });
}

function nameFrom(text: string, flag: string, what: string): string {
  if (rules.name.pattern.test(text)) return text;
  throw new NixsealError("usage", `${what} cannot be the name, so ${flag} is needed`, {
    hint: `${flag} NAME, with ${rules.name.expected}`,
  });
}

async function usualKey(context: Pick<Context, "environment" | "files">): Promise<string> {
  const home = context.environment.get("HOME");
  const path = home === undefined ? undefined : join(home, ".ssh/id_ed25519.pub");
  if (path !== undefined && (await context.files.status(path)) !== null) return path;
  throw new NixsealError("not-found", "there is no ~/.ssh/id_ed25519.pub to be the first member's key", {
    hint: "make one with 'ssh-keygen -t ed25519', or name another: --key FILE",
  });
}

function fleetText(name: string, member: string, keys: readonly string[]): string {
  return `# The inventory: hosts, members and secrets of this fleet. 'nixseal fleet check' validates it.

[fleet]
name = ${stringSource(name)}

${entryText("members", member, [["keys", keys]])}`;
}

/** Makes what is missing, fleet.toml last: while it is not there, init can simply be run again. */
async function createFiles(
  context: Pick<Context, "files" | "processes">,
  directory: string,
  text: string,
): Promise<string[]> {
  const { files } = context;
  const created: string[] = [];
  await files.makeDirectory(directory, { mode: 0o755, parents: true });
  if (!(await isRepository(context, directory))) {
    await git(context, directory, ["init", "--quiet"]);
    created.push(".git/");
  }
  if ((await files.statusOfLink(join(directory, "secrets"))) === null) {
    await files.makeDirectory(join(directory, "secrets"), { mode: 0o755 });
    created.push("secrets/");
  }
  if ((await files.statusOfLink(join(directory, ".gitignore"))) === null) {
    await files.create(join(directory, ".gitignore"), utf8(ignored), { mode: 0o644 });
    created.push(".gitignore");
  }
  await files.create(join(directory, fleetFileName), utf8(text), { mode: 0o644 });
  return [...created, fleetFileName];
}

async function isRepository(
  context: Pick<Context, "files" | "processes">,
  directory: string,
): Promise<boolean> {
  if ((await context.files.statusOfLink(join(directory, ".git"))) !== null) return true;
  const { code } = await context.processes.run({
    program: "git",
    args: ["-C", directory, "rev-parse", "--git-dir"],
  });
  return code === 0;
}

async function git(
  context: Pick<Context, "processes">,
  directory: string,
  args: readonly string[],
): Promise<void> {
  const { code, stderr } = await context.processes.run({ program: "git", args: ["-C", directory, ...args] });
  if (code !== 0)
    throw new NixsealError("tool", `git ${args[0]} failed: ${stderr.trim()}`, { where: { file: directory } });
}
