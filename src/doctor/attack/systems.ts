/** Systems of the lab: a script that activates, and the `sudo` that it runs as root. What they do is to write a line. */
import { baseNameOf } from "../../nix/store-path.ts";
import { builtPath, contentPath, withContent, type LabPath } from "./lab-path.ts";

export interface LabSystem {
  readonly name: string;
  readonly toplevel: LabPath;
  /** With the toplevel. */
  readonly closure: readonly LabPath[];
}

/** Where what ran as root is written down, below the target's root. */
export const ranFile = "/ran";

/** A tool that says whose it is. `root` is the only place that its script writes to. */
export function sudo(root: string, says: string): LabPath {
  return builtPath("sudo-1.0", "sudo", sudoContent(root, says));
}

/** The same path with the attacker's content. */
export function plantedSudo(root: string): LabPath {
  return withContent(sudo(root, "honest").info.path, sudoContent(root, "PLANTED"));
}

/** `start` is how the script runs the tool, whose path it is given. */
export function labSystem(
  root: string,
  name: string,
  tool: LabPath = sudo(root, "honest"),
  start = (path: string): string => `"${path}/bin/sudo"`,
): LabSystem {
  const command = start(`\${top%/*}/${baseNameOf(tool.info.path)}`);
  const content = {
    entries: { bin: { entries: { "switch-to-configuration": script(root, name, command) } } },
  };
  const toplevel = builtPath(`nixos-system-lab-${name}`, name, content, [tool.info.path]);
  return { name, toplevel, closure: [tool, toplevel] };
}

/** An attacker's, which needs nobody's signature to be in the store. */
export function contentAddressedSystem(root: string, name: string): LabSystem {
  const toplevel = contentPath(`nixos-system-lab-${name}`, {
    entries: { bin: { entries: { "switch-to-configuration": script(root, name, "") } } },
  });
  return { name, toplevel, closure: [toplevel] };
}

function sudoContent(root: string, says: string) {
  return {
    entries: { bin: { entries: { sudo: `#!/bin/sh\necho 'sudo ${says}' >> '${root}${ranFile}'\n` } } },
  };
}

/** As NixOS's own does it: /run/current-system last. */
function script(root: string, name: string, command: string): string {
  return `#!/bin/sh
set -eu
top=$(cd "\${0%/*}/.." && pwd)
echo '${name}' "$1" >> '${root}${ranFile}'
${command}
case $1 in
  switch|test) ln -sfn "/nix/store/\${top##*/}" '${root}/run/current-system' ;;
esac
`;
}
