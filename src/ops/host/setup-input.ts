/** What the flags ask for, as the gate is set up by. */
import * as z from "zod";
import { utf8Text } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { HostSetup } from "../../gate/setup/host-files.ts";
import * as rules from "../../inventory/field-rules.ts";
import type { Fleet, Host } from "../../inventory/model.ts";
import { selectMembers } from "../../inventory/selectors.ts";
import { formatEnvelope } from "../../trust/root/envelope.ts";
import { readKeys } from "../key-lines.ts";
import { matching } from "../matching.ts";
import type { Context } from "../op.ts";
import type { OpenTrust } from "../trust/open.ts";
import { pullFlags, pullSetupOf } from "./setup-pull.ts";
import { mightyGroups } from "./setup-steps.ts";

export const setupInput = z.object({
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
  ...pullFlags,
});

export async function setupOf(
  context: Context,
  given: z.output<typeof setupInput>,
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
    pull: pullSetupOf(given, given),
    root: utf8Text(formatEnvelope(envelope), "the root"),
  };
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
