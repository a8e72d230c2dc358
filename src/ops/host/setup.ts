import { resolve } from "node:path";
import * as z from "zod";
import { utf8, utf8Text } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/ports.ts";
import { gateConfigFile, parseGateConfig } from "../../gate/config.ts";
import { hostFiles, type HostFile, type HostSetup } from "../../gate/setup/host-files.ts";
import { writeHostFile, type Change } from "../../gate/setup/write.ts";
import * as rules from "../../inventory/field-rules.ts";
import type { Fleet, Host } from "../../inventory/model.ts";
import { oneHost, selectMembers } from "../../inventory/selectors.ts";
import { ensureTrustedDirectory } from "../../secrets/install/trusted-path.ts";
import { formatEnvelope } from "../../trust/root/envelope.ts";
import { openFleet } from "../fleet-context.ts";
import { readKeys } from "../key-lines.ts";
import { matching } from "../matching.ts";
import { op, type Context } from "../op.ts";
import { openTrust, type OpenTrust } from "../trust/open.ts";
import { nixosSnippet } from "./setup-nixos.ts";
import { mightyGroups, stepsAfter, warningsOf } from "./setup-steps.ts";
import { bodyOf, fileView, headOf, viewOf } from "./setup-view.ts";

const input = z.object({
  name: z.string().describe("the host"),
  root: z
    .string()
    .meta({ value: "DIR" })
    .describe("write below this directory: an image, a container, or / (default: print, write nothing)")
    .optional(),
  nixos: z.boolean().default(false).describe("print the same as options of the NixOS module"),
  mode: z
    .enum(["warrants", "certificates"])
    .default("warrants")
    .describe("certificates: uploads by members with a certificate, activation as before"),
  user: matching(rules.user)
    .meta({ value: "USER" })
    .describe("the deploy user (default: the host's user in fleet.toml, else deploy)")
    .optional(),
  group: z
    .array(matching(rules.user))
    .default([])
    .meta({ value: "GROUP" })
    .describe("a group that it joins, such as Debian's nix-users, which may reach the Nix daemon"),
  member: z
    .array(z.string())
    .default([])
    .meta({ value: "SELECTOR" })
    .describe("the members whose keys may log in (default: all)"),
  loginCa: z
    .array(z.string())
    .default([])
    .meta({ value: "KEY" })
    .describe("a CA whose login certificates are taken too, as a line or a .pub file"),
  privilege: z
    .enum(["socket", "sudo"])
    .default("socket")
    .describe("how messages get to the root side: a socket of systemd, or one line of sudo"),
  agent: z
    // It stands in files of sshd, systemd and sudo, each with its own special characters.
    .string()
    .regex(/^(?:\/[A-Za-z0-9._+-]+)+$/, {
      error: "expected a whole path of letters, digits, '.', '_', '+', '-'",
    })
    .default("/usr/local/bin/nixseal-agent")
    .meta({ value: "FILE" })
    .describe("where nixseal-agent is on the host"),
  searchPath: z
    .string()
    .regex(/^(?:\/[A-Za-z0-9._+-]+)+(?::(?:\/[A-Za-z0-9._+-]+)+)*$/, {
      error: "expected directories with ':' between",
    })
    .default("/nix/var/nix/profiles/default/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin")
    .meta({ value: "PATH" })
    .describe("where the root side finds the programs of Nix and systemd"),
  confirmWithin: z
    .int()
    .min(0)
    .max(86_400)
    .default(90)
    .meta({ value: "SECONDS" })
    .describe("how long a new system waits for its confirmation; 0: none is asked for"),
  health: z
    .array(z.string())
    .default([])
    .meta({ value: "JSON" })
    .describe('a command that must succeed after a switch: ["/usr/bin/systemctl","is-active","x.service"]'),
  hostKey: matching(rules.absolutePath)
    .default("/etc/ssh/ssh_host_ed25519_key")
    .meta({ value: "FILE" })
    .describe("the host's private key, which signs receipts"),
  connections: z
    .int()
    .min(1)
    .max(1024)
    .default(16)
    .meta({ value: "N" })
    .describe("messages to the root side at once; more are refused"),
});

export const hostSetup = op({
  effect: "write",
  input,
  positional: ["name"],
  output: z.object({
    host: z.string(),
    mode: z.enum(["warrants", "certificates"]),
    files: z.array(fileView),
    nixos: z.string().optional(),
    steps: z.array(z.string()).describe("what to do on the host then"),
    warnings: z.array(z.string()),
    written: z.string().describe("below which directory").optional(),
  }),
  examples: [
    { command: "nixseal host setup lufta", says: "everything that would be written, to be read first" },
    {
      command: "nixseal host setup lufta --root /mnt/image",
      says: "into an image; with / on the host itself",
    },
    { command: "nixseal host setup lufta --nixos", says: "the same for a configuration of NixOS" },
  ],
  run: async (context, given) => {
    const { directory, fleet } = await openFleet(context);
    const host = oneHost(fleet, given.name);
    const trust = await openTrust(context, directory);
    const setup = await setupOf(context, given, fleet, host, trust);
    const about = {
      host: host.name,
      mode: given.mode,
      steps: stepsAfter(setup),
      warnings: warningsOf(setup),
    };
    if (given.nixos) {
      if (given.root !== undefined)
        throw new NixsealError("usage", "--nixos and --root exclude each other", {
          hint: "NixOS makes /etc from its configuration",
        });
      return { ...about, files: [], steps: [], nixos: nixosSnippet(setup) };
    }
    const files = hostFiles(setup);
    requireReadable(files);
    if (given.root === undefined) return { ...about, files: files.map((file) => viewOf(file)) };
    const changes = await write(context.files, resolve(context.workingDirectory, given.root), files);
    return { ...about, files: files.map((file, index) => viewOf(file, changes[index])), written: given.root };
  },
  text: ({ files, nixos, steps, warnings, written }, paint) => {
    const told = warnings.map((warning) => `${paint.bad("warning:")} ${warning}\n`).join("");
    if (nixos !== undefined) return `${nixos}\n${told}`;
    const listed =
      written === undefined
        ? files
            .filter(({ kind }) => kind !== "absent")
            .map((file) => `${paint.strong(`# ${headOf(file)}`)}\n${bodyOf(file)}`)
        : files
            .filter(({ kind, change }) => kind !== "absent" || change === "removed")
            .map((file) => `${file.change!.padEnd(8)} ${headOf(file)}`);
    const then = steps.map((step) => `  ${step}`).join("\n");
    return `${listed.join("\n")}\n${told}\nThen, on the host:\n${then}`;
  },
});

async function setupOf(
  context: Context,
  given: z.output<typeof input>,
  fleet: Fleet,
  host: Host,
  { root, envelope }: OpenTrust,
): Promise<HostSetup> {
  const members = selectMembers(fleet, given.member.length === 0 ? ["*"] : given.member);
  const logins = members.map(({ name, keys }) => ({ name, keys: keys.map(({ line }) => line) }));
  const authorities = (await readKeys(context, given.loginCa)).map(({ line }) => line);
  if (authorities.length === 0 && logins.every(({ keys }) => keys.length === 0))
    throw new NixsealError(
      "config",
      "none of these members has an SSH key: nobody could deploy to the host",
      {
        hint: "'nixseal member add NAME --key FILE' gives one",
      },
    );
  if (given.user === "root")
    throw new NixsealError(
      "usage",
      "the deploy user cannot be root: every login would be what the gate keeps members from",
      {
        hint: "an account of its own, such as 'deploy'",
      },
    );
  const mighty = given.group.find((name) => mightyGroups.includes(name));
  if (mighty !== undefined)
    throw new NixsealError("usage", `whoever is in the group '${mighty}' is root on most machines`, {
      hint: "the deploy user needs no group but one that may reach the Nix daemon",
    });
  const { mode, privilege, agent, searchPath, connections, confirmWithin, hostKey } = given;
  return {
    fleet: root.fleet,
    host: host.name,
    tags: host.tags,
    mode,
    user: given.user ?? accountOf(host),
    groups: given.group,
    members: logins,
    authorities,
    privilege,
    agent,
    searchPath,
    connections,
    upstream: root.upstream,
    confirmWithin: confirmWithin === 0 ? null : confirmWithin,
    health: given.health.map(commandOf),
    quarantine: { bytes: 10 * 2 ** 30, days: 7 },
    hostKey,
    root: utf8Text(formatEnvelope(envelope), "the root"),
  };
}

/** What the gate itself would not read is not written. */
function requireReadable(files: readonly HostFile[]): void {
  for (const file of files)
    if (file.kind === "file" && file.path === gateConfigFile) parseGateConfig(utf8(file.content));
}

/** An account of its own: root is what the gate keeps members from being. */
function accountOf({ user }: Host): string {
  return user === null || user === "root" ? "deploy" : user;
}

function commandOf(text: string): readonly string[] {
  const words: unknown = readJson(text);
  if (Array.isArray(words) && words.length > 0 && words.every((word) => typeof word === "string"))
    if (words[0]!.startsWith("/")) return words;
  throw new NixsealError("usage", "--health is not a command as a JSON list of words", {
    hint: 'such as \'["/usr/bin/systemctl","is-active","sshd.service"]\', with a whole path in front',
  });
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

async function write(files: Files, directory: string, wanted: readonly HostFile[]): Promise<Change[]> {
  const real = await files.realPath(directory);
  const root = real === "/" ? "" : real;
  if ((await files.statusOfLink(`${root}/etc/NIXOS`)) !== null)
    throw new NixsealError("refused", "this is NixOS: its /etc is made from its configuration", {
      hint: "'nixseal host setup NAME --nixos' prints the options of the module",
      where: { file: `${root}/etc/NIXOS` },
    });
  const place = async (path: string): Promise<string> =>
    (await ensureTrustedDirectory(files, root, path)).path;
  const changes: Change[] = [];
  for (const file of wanted) changes.push(await writeHostFile(files, place, file));
  return changes;
}
