import { join, resolve } from "node:path";
import * as z from "zod";
import { utf8 } from "../../core/bytes.ts";
import type { Fleet } from "../../inventory/model.ts";
import { formatPublicKey } from "../../ssh/public-key-line.ts";
import { armorSshSig } from "../../ssh/sshsig.ts";
import { rootNamespace } from "../../trust/root/envelope.ts";
import type { Root } from "../../trust/root/root.ts";
import { openFleet } from "../fleet-context.ts";
import { op } from "../op.ts";
import { openTrust } from "./open.ts";

export const trustExport = op({
  effect: "write",
  input: z.object({
    out: z
      .string()
      .default("trust-export")
      .meta({ value: "DIR" })
      .describe("where to write (made when missing)"),
  }),
  output: z.object({ directory: z.string(), files: z.array(z.string()) }),
  examples: [
    { command: "nixseal trust export --out /tmp/trust", says: "what ssh-keygen, git and sshd read" },
    {
      command: "ssh-keygen -Y verify -f root_signers -I root -n nixseal-root@v1 -s root.1.sig < root",
      says: "the root, by stock tools",
    },
  ],
  run: async (context, { out }) => {
    const { files } = context;
    const { directory: fleetDirectory, fleet } = await openFleet(context);
    const { root, envelope, krl, krlBytes } = await openTrust(context, fleetDirectory);
    const contents: [string, Uint8Array][] = [
      ["root", envelope.payload],
      ...envelope.signatures.map((signature, index): [string, Uint8Array] => [
        `root.${index + 1}.sig`,
        utf8(armorSshSig(signature)),
      ]),
      ["root_signers", utf8(rootSigners(root))],
      ["allowed_signers", utf8(allowedSigners(fleet, root))],
      ["ca.pub", utf8(root.ca.keys.map((key) => `${formatPublicKey(key, `${root.fleet} CA`)}\n`).join(""))],
      ...(krl === null ? [] : [["krl", krlBytes!] as [string, Uint8Array]]),
    ];
    const directory = resolve(context.workingDirectory, out);
    await files.makeDirectory(directory, { mode: 0o755, parents: true });
    for (const [name, bytes] of contents)
      await files.writeAtomic(join(directory, name), bytes, { mode: 0o644 });
    return { directory: out, files: contents.map(([name]) => name) };
  },
  text: ({ directory, files }) => `wrote ${files.join(", ")} to ${directory}

The root, by stock tools (each signature for itself; the threshold is for you to count):
  ssh-keygen -Y verify -f root_signers -I root -n ${rootNamespace} -s root.1.sig < root
Commits:   git config gpg.ssh.allowedSignersFile ${directory}/allowed_signers${
    files.includes("krl") ? `\n           git config gpg.ssh.revocationFile ${directory}/krl` : ""
  }
sshd:      TrustedUserCAKeys ca.pub, for certificates that are made for logins; those of 'trust issue' it refuses`,
});

function rootSigners(root: Root): string {
  return root.root.keys.map((key) => `root namespaces="${rootNamespace}" ${formatPublicKey(key)}\n`).join("");
}

/**
 * Members by their own keys and through the CA. Names are listed, never `*`: stock tools would take any name from a
 * certificate then.
 */
function allowedSigners(fleet: Fleet, root: Root): string {
  const members = [...fleet.members.values()];
  const own = members.flatMap(({ name, keys }) =>
    keys.map(({ line }) => `${name} namespaces="git" ${line}\n`),
  );
  const names = members.map(({ name }) => name).join(",");
  const cas =
    names === "" ? [] : root.ca.keys.map((key) => `${names} cert-authority ${formatPublicKey(key)}\n`);
  return [
    "# Stock tools ignore critical options of certificates: what these lines accept, nixseal may still refuse.\n",
    ...own,
    ...cas,
  ].join("");
}
