/**
 * Packages and advisories of which a person knows the answer, made of what other tools get wrong. Each stands for itself; a
 * verdict of "unknown" where the records do not tell is right, and counts as neither kind of error.
 */
import type { Verdict } from "../../src/core/finding.ts";
import { utf8 } from "../../src/core/bytes.ts";
import type { Advisory } from "../../src/audit/advisories/advisory.ts";
import { parseCve5 } from "../../src/audit/advisories/import/cve5.ts";
import { parseOsv } from "../../src/audit/advisories/import/osv.ts";
import { packagesOfDerivations } from "../../src/audit/packages/from-derivations.ts";
import type { Package } from "../../src/audit/packages/package.ts";
import { parseDerivation } from "../../src/nix/derivation-aterm.ts";
import { ask, before, from, nvd, through } from "./matching.ts";

export interface KnownAnswer {
  readonly says: string;
  readonly found: Package;
  readonly advisory: Advisory;
  /** Null where the advisory is about something else and must not come up at all. */
  readonly answer: Verdict | null;
}

const record = (
  vendor: string,
  product: string,
  versions: readonly object[],
  defaultStatus = "unaffected",
): Advisory =>
  parseCve5(
    utf8(
      JSON.stringify({
        dataType: "CVE_RECORD",
        dataVersion: "5.1",
        cveMetadata: { cveId: "CVE-2026-0001", state: "PUBLISHED" },
        containers: {
          cna: {
            descriptions: [{ lang: "en", value: "x" }],
            affected: [{ vendor, product, defaultStatus, versions }],
          },
        },
      }),
    ),
  );
const osv = (ecosystem: string, name: string, fixed: string): Advisory =>
  parseOsv(
    utf8(
      JSON.stringify({
        id: "CVE-2026-0001",
        modified: "2026-01-01T00:00:00Z",
        affected: [
          {
            package: { ecosystem, name },
            ranges: [{ type: "ECOSYSTEM", events: [{ introduced: "0" }, { fixed }] }],
          },
        ],
      }),
    ),
  );

/** A derivation as Nix writes it, with its environment; the package that comes of it. */
function built(name: string, environment: Readonly<Record<string, string>>): Package {
  const quoted = (text: string): string => JSON.stringify(text);
  const out = `/nix/store/${"1".repeat(32)}-${name}`;
  const env = Object.entries({ name, out, ...environment }).sort(([a], [b]) => (a < b ? -1 : 1));
  const text = `Derive([("out",${quoted(out)},"","")],[],[],"x86_64-linux","/bin/sh",[],[${env.map(([key, value]) => `(${quoted(key)},${quoted(value)})`).join(",")}])`;
  const file = `${"2".repeat(32)}-${name}.drv`;
  return packagesOfDerivations(new Map([[file, parseDerivation(utf8(text))]])).packages[0]!;
}

const patch = (name: string): string => `/nix/store/${"3".repeat(32)}-${name}`;
const one = (
  says: string,
  found: Package | string,
  advisory: Advisory,
  answer: Verdict | null,
): KnownAnswer => ({
  says,
  found: typeof found === "string" ? from(found) : found,
  advisory,
  answer,
});
const cpe = (vendor: string, product: string, end: string, rest = "*:*:*:*"): Advisory =>
  nvd(`cpe:2.3:a:${vendor}:${product}:*:*:*:${rest}:*`.replace(/^((?:[^:]*:){12}[^:]*).*$/, "$1"), {
    versionEndExcluding: end,
  });

/** Affected from 4.19 on; of the branch 5.10, only before 5.10.198. */
const branches = record(
  "Linux",
  "Linux",
  [
    { version: "4.19", status: "affected" },
    { version: "0", lessThan: "4.19", status: "unaffected", versionType: "semver" },
    { version: "5.10.198", lessThanOrEqual: "5.10.*", status: "unaffected", versionType: "semver" },
  ],
  "affected",
);

export const knownAnswers: readonly KnownAnswer[] = [
  one(
    "a plug-in of Jenkins is not git",
    "git-2.42.0",
    nvd("cpe:2.3:a:jenkins:git:*:*:*:*:*:jenkins:*:*", { versionEndExcluding: "5.0" }),
    null,
  ),
  one("nor without its target_sw", "git-2.42.0", cpe("jenkins", "git", "5.0"), null),
  one("git is git", "git-2.42.0", cpe("git-scm", "git", "2.42.1"), "affected"),
  one("git-lfs is not git", "git-lfs-3.4.0", cpe("git-scm", "git", "99"), null),
  one("Firefox 153.0 is 153.0.0", "firefox-153.0", before("mozilla", "firefox", "153.0.0"), "not-affected"),
  one("Firefox 152 is before it", "firefox-152.0.4", before("mozilla", "firefox", "153.0.0"), "affected"),
  one("9 is before 10", "firefox-9.0", before("mozilla", "firefox", "10.0"), "affected"),
  one("OpenSSH 8.5p1 is 8.5", "openssh-8.5p1", before("openbsd", "openssh", "8.5"), "not-affected"),
  one("and within up to 8.5", "openssh-8.5p1", through("openbsd", "openssh", "8.5"), "affected"),
  one("8.10p1 is after 8.9", "openssh-8.10p1", before("openbsd", "openssh", "8.9p1"), "not-affected"),
  one("sudo fixes in patch levels", "sudo-1.9.5p1", before("sudo_project", "sudo", "1.9.5p2"), "affected"),
  one("the fixed patch level", "sudo-1.9.5p2", before("sudo_project", "sudo", "1.9.5p2"), "not-affected"),
  one("bash writes -p", "bash-4.4-p22", before("gnu", "bash", "4.4p23"), "affected"),
  one("bash, fixed", "bash-4.4-p23", before("gnu", "bash", "4.4p23"), "not-affected"),
  one("OpenSSL's letters", "openssl-1.1.1f", before("openssl", "openssl", "1.1.1g"), "affected"),
  one("OpenSSL's letters, fixed", "openssl-1.1.1w", before("openssl", "openssl", "1.1.1g"), "not-affected"),
  one("a release before the letters", "openssl-1.1.1", before("openssl", "openssl", "1.1.1a"), "affected"),
  one(
    "the kernel",
    "linux-6.5.7",
    nvd("cpe:2.3:o:linux:linux_kernel:*:*:*:*:*:*:*:*", { versionEndExcluding: "6.6" }),
    "affected",
  ),
  one(
    "the kernel's modules are the kernel",
    "linux-6.5.7-modules",
    nvd("cpe:2.3:o:linux:linux_kernel:*:*:*:*:*:*:*:*", { versionEndExcluding: "6.6" }),
    "affected",
  ),
  one("a stable branch that has the fix", "linux-5.10.198", branches, "not-affected"),
  one("a stable branch that has it not", "linux-5.15.30", branches, "affected"),
  one(
    "kernel headers are not the kernel",
    "linux-headers-6.5",
    nvd("cpe:2.3:o:linux:linux_kernel:*:*:*:*:*:*:*:*", { versionEndExcluding: "6.6" }),
    null,
  ),
  one(
    "firmware is not the kernel",
    "linux-firmware-20230515",
    nvd("cpe:2.3:o:linux:linux_kernel:*:*:*:*:*:*:*:*", { versionEndExcluding: "6.6" }),
    null,
  ),
  one(
    "a patch names the CVE",
    built("gnutar-1.34", { pname: "gnutar", version: "1.34", patches: patch("CVE-2026-0001.patch") }),
    before("gnu", "tar", "2.0"),
    "not-affected",
  ),
  one(
    "in structured attributes too",
    built("gnutar-1.34", {
      __json: JSON.stringify({
        pname: "gnutar",
        version: "1.34",
        patches: [patch("0001-fix-CVE-2026-0001.patch")],
      }),
    }),
    before("gnu", "tar", "2.0"),
    "not-affected",
  ),
  one(
    "in small letters",
    built("gnutar-1.34", {
      pname: "gnutar",
      version: "1.34",
      patches: `${patch("a.patch")} ${patch("fix-cve-2026-0001-2.diff")}`,
    }),
    before("gnu", "tar", "2.0"),
    "not-affected",
  ),
  one(
    "a patch of another CVE",
    built("gnutar-1.34", { pname: "gnutar", version: "1.34", patches: patch("CVE-2026-00011.patch") }),
    before("gnu", "tar", "2.0"),
    "affected",
  ),
  one(
    "a derivation without patches",
    built("gnutar-1.34", { pname: "gnutar", version: "1.34", patches: "" }),
    before("gnu", "tar", "2.0"),
    "affected",
  ),
  one(
    "a name with a plus",
    "gtk+3-3.24.38",
    nvd("cpe:2.3:a:gtk:gtk\\+:*:*:*:*:*:*:*:*", { versionEndExcluding: "3.24.40" }),
    "affected",
  ),
  one(
    "and two",
    "libsigc++-2.10.0",
    nvd("cpe:2.3:a:libsigc\\+\\+:libsigc\\+\\+:*:*:*:*:*:*:*:*", { versionEndExcluding: "2.12" }),
    "affected",
  ),
  one("a release candidate", "zlib-1.3rc1", before("zlib", "zlib", "1.3"), "affected"),
  one("another spelling of it", "zlib-1.3-rc.1", before("zlib", "zlib", "1.3"), "affected"),
  one("a beta of the next release", "zlib-1.4beta2", before("zlib", "zlib", "1.3"), "not-affected"),
  one(
    "a snapshot may have the fix",
    "zlib-1.2-unstable-2024-05-01",
    before("zlib", "zlib", "1.3"),
    "unknown",
  ),
  one(
    "a snapshot of nobody knows when",
    "zlib-unstable-2024-05-01",
    before("zlib", "zlib", "1.3"),
    "unknown",
  ),
  one(
    "a snapshot after the fix",
    "zlib-1.3-unstable-2024-05-01",
    before("zlib", "zlib", "1.3"),
    "not-affected",
  ),
  one(
    "a commit is no version",
    "zlib-1.2",
    record("zlib", "zlib", [
      { version: "abc0000", lessThan: "def0000", status: "affected", versionType: "git" },
    ]),
    "unknown",
  ),
  one("a program for Windows", "zlib-1.2", nvd("cpe:2.3:a:zlib:zlib:*:*:*:*:*:windows:*:*"), null),
  one("a library of Python", "python3.11-requests-2.31.0", osv("PyPI", "Requests", "2.32"), "affected"),
  one("a program of its name is not it", "requests-2.31.0", osv("PyPI", "requests", "2.32"), null),
  one("nor one of npm", "python3.11-requests-2.31.0", osv("npm", "requests", "2.32"), null),
  one("another distribution's package", "curl-8.0.0", osv("Debian:12", "curl", "99"), null),
  one("only the name is the same", "dashboard-1.0", before("somevendor", "dashboard", "2.0"), "unknown"),
  one("an output of a package", "openssl-3.0.6-bin", before("openssl", "openssl", "3.0.7"), "affected"),
  one("a wrapper's own version", "vim-9.0.1", before("vim", "vim", "9.0.0"), "not-affected"),
];

export interface Agreement {
  readonly cases: number;
  /** Accused without cause, and let off without cause. */
  readonly falsePositives: readonly string[];
  readonly falseNegatives: readonly string[];
  /** Neither: an answer was possible and "unknown" was given, or the other way round. */
  readonly others: readonly string[];
}

export function agreement(): Agreement {
  const [falsePositives, falseNegatives, others]: [string[], string[], string[]] = [[], [], []];
  for (const { says, found, advisory, answer } of knownAnswers) {
    const given = ask(found, advisory).findings[0]?.verdict ?? null;
    const clear = (verdict: Verdict | null): boolean => verdict === null || verdict === "not-affected";
    if (given === answer) continue;
    if (given === "affected" && clear(answer)) falsePositives.push(says);
    else if (answer === "affected" && clear(given)) falseNegatives.push(says);
    // What is about something else must not come up as ruled out, but that accuses nobody.
    else others.push(`${says}: ${given ?? "nothing"}`);
  }
  return { cases: knownAnswers.length, falsePositives, falseNegatives, others };
}
