/** The attacker's content goes through a build on the host, and comes out with the host's own word for it. */
import { utf8, utf8Text } from "../../../core/bytes.ts";
import { NixsealError } from "../../../core/errors.ts";
import { canonicalJson } from "../../../core/canonical-json.ts";
import { parseStorePath, type StorePath } from "../../../nix/store-path.ts";
import { verdictOfDeployment, type Attack, type Target } from "../attack.ts";
import { labEnvironment } from "../plain-target.ts";
import { withContent } from "../lab-path.ts";
import type { Lab } from "../lab.ts";
import { labSystem, ranFile } from "../systems.ts";

/** Two steps, by the builtins of the shell alone. The second copies what the first says into a program. */
const expression = (root: string): string => `
let
  step = name: text: derivation {
    inherit name;
    system = builtins.currentSystem;
    builder = "/bin/sh";
    args = [ "-c" text ];
  };
in
rec {
  tool = step "lab-tool" "echo honest > $out";
  built = step "lab-built" "read line < \${tool}; echo \\"echo 'sudo $line' >> ${root}${ranFile}\\" > $out";
}
`;

export const laundering: Attack = {
  name: "laundering",
  what: "a build input is planted; what this host then builds from it counts as its own, and is deployed",
  run: async (target, lab) => {
    const { alice, bob, mallory } = lab.people;
    const file = await lab.outside("laundering.nix", utf8(expression(target.root)));
    const tool = await outPath(target, lab, file, "tool");
    const built = await outPath(target, lab, file, "built");
    const planted = withContent(tool, { text: "PLANTED\n" });
    const sent = await target.send(mallory, [planted]);
    // A second barrier is tried too: what if it had come in by another way than the gate?
    if (target.kind === "gate") await target.plant(planted);
    const made = await build(target, lab, file);
    if (made !== null)
      return { kind: "not-tried", why: `nothing can be built in a store of the lab here: ${made}` };
    const honest = withContent(built, { text: `echo 'sudo honest' >> ${target.root}${ranFile}\n` });
    const system = labSystem(target.root, "one", honest, (path) => `/bin/sh "${path}"`);
    const deployed = await target.deploy(await target.order(system, [alice, bob]));
    const by = `${sent.said}; what was built from it differed from the order, and was replaced`;
    return verdictOfDeployment(target, deployed, by);
  },
};

async function outPath(target: Target, lab: Lab, file: string, name: string): Promise<StorePath> {
  const args = [
    "--eval",
    "--strict",
    "--json",
    "--expr",
    `(import ${canonicalJson(file).slice(1, -1)}).${name}.outPath`,
  ];
  const { code, stdout, stderr } = await nix(target, lab, "nix-instantiate", args);
  if (code !== 0)
    throw new NixsealError("tool", `nix-instantiate failed: ${stderr.trim().split("\n").at(-1) ?? ""}`);
  return parseStorePath(JSON.parse(utf8Text(stdout, "the path")) as string);
}

/** Null when it worked. */
async function build(target: Target, lab: Lab, file: string): Promise<string | null> {
  // A shell of the store is bound into the sandbox by Nix itself; another needs its libraries.
  const shell = await lab.ports.files.realPath("/bin/sh");
  const paths = shell.startsWith("/nix/store/")
    ? []
    : ["--option", "sandbox-paths", await existing(lab, ["/bin", "/lib", "/lib64", "/usr"])];
  const args = ["--no-out-link", "--attr", "built", ...paths, file];
  const { code, stderr } = await nix(target, lab, "nix-build", args);
  return code === 0 ? null : (stderr.trim().split("\n").at(-1) ?? "");
}

async function existing({ ports }: Lab, paths: readonly string[]): Promise<string> {
  const found: string[] = [];
  for (const path of paths) if ((await ports.files.status(path)) !== null) found.push(path);
  return found.join(" ");
}

function nix(target: Target, { ports }: Lab, program: string, args: readonly string[]) {
  return ports.processes.run({
    program,
    args: [
      "--store",
      target.root,
      "--option",
      "substitute",
      "false",
      "--option",
      "build-users-group",
      "",
      "--option",
      "sandbox",
      "true",
      ...args,
    ],
    env: labEnvironment(target.root),
  });
}
