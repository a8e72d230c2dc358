import { resolve } from "node:path";
import * as z from "zod";
import { utf8 } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import { gateConfigFile, parseGateConfig } from "../../gate/config.ts";
import { hostFiles, type HostFile } from "../../gate/setup/host-files.ts";
import { writeHostFile, type Change } from "../../gate/setup/write.ts";
import { oneHost } from "../../inventory/selectors.ts";
import { ensureTrustedDirectory } from "../../secrets/install/trusted-path.ts";
import { openFleet } from "../fleet-context.ts";
import { op } from "../op.ts";
import { openTrust } from "../trust/open.ts";
import { setupInput, setupOf } from "./setup-input.ts";
import { nixosSnippet } from "./setup-nixos.ts";
import { stepsAfter, warningsOf } from "./setup-steps.ts";
import { bodyOf, fileView, headOf, viewOf } from "./setup-view.ts";

export const hostSetup = op({
  effect: "write",
  input: setupInput,
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
    {
      command: "nixseal host setup lufta --pull https://orders.example.org --confirm-within 0",
      says: "a host that nobody connects to: it looks for its orders itself",
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

/** What the gate itself would not read is not written. */
function requireReadable(files: readonly HostFile[]): void {
  for (const file of files)
    if (file.kind === "file" && file.path === gateConfigFile) parseGateConfig(utf8(file.content));
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
