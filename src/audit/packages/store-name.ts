/** The package and its version in the name of a store path. Pure. */
import { parseDrvName } from "../../nix/version.ts";

export interface NamedVersion {
  readonly name: string;
  readonly version: string;
}

/** Outputs that nixpkgs' packages have beside `out`; what is not here stays a part of the version, which then compares as unknown. */
const outputs = new Set(
  `bin data debug demo demos dev devdoc dist doc docs examples fish fonts getent icons info installedTests installedtests
  lib lib32 libexec libgcc locale login man modules mount nls out plugin plugins py python resources sample scripts server share
  shrunk static su swap systemd terminfo test testing tests tex texdoc texsource tlpkg tools tree unwrapped users utils
  wrapped xlibs zsh completions firmware headers kdoc hostname client test-data pam udev kexec`.split(/\s+/),
);

const sources =
  /\.(?:drv|patch|diff|tar|tar\.[a-z0-9]+|tgz|tbz2?|txz|zip|gz|bz2|xz|zst|lock|sh|service|socket|conf|json|rules|nix|pdf|asc|sig|gem|crate|jar|whl|deb|rpm)$/i;

/** Null for what is no release of a package: sources, patches, what has no version. */
export function packageOf(storeName: string): NamedVersion | null {
  if (sources.test(storeName)) return null;
  const { name, version } = releaseTag(parseDrvName(storeName));
  const parts = version.split("-");
  while (parts.length > 1 && outputs.has(parts.at(-1)!)) parts.pop();
  return named(name, parts.join("-"));
}

/** `foo-v1.2`: some take the tag for the version, which Nix's rule then leaves in the name. */
function releaseTag(found: NamedVersion): NamedVersion {
  const match = found.version === "" ? /^(.+)-v([0-9].*)$/s.exec(found.name) : null;
  return match === null ? found : { name: match[1]!, version: match[2]! };
}

/** What nixpkgs puts behind the name of a package that was built for another machine, or without shared libraries. */
const builtFor =
  /(?:-static)?-(?:aarch64|arm|i[3-6]86|loongarch|mips|powerpc|riscv|s390|x86_64)[0-9a-z_]*-[0-9a-z]+-linux-(?:gnu|musl)[0-9a-z_]*$/;

/** The same for a name and a version that were told apart already (`pname`, `version`). */
export function named(given: string, version: string): NamedVersion | null {
  const name = given.replace(builtFor, "");
  if (name === "" || !/[0-9]/.test(version)) return null;
  // Before 2023 nixpkgs wrote foo-unstable-2023-01-01: the name would end in "unstable", the version would be a date.
  const snapshot = /^(.+)-unstable$/.exec(name);
  if (snapshot !== null && /^[0-9]{4}-[0-9]{2}-[0-9]{2}/.test(version))
    return { name: snapshot[1]!, version: `0-unstable-${version.slice(0, 10)}` };
  // bash-4.4-p23 is bash 4.4, patch level 23.
  return { name, version: version.replace(/-p([0-9]+)$/, "p$1") };
}
