/** Cases that other tools get wrong, with the answer that a person gives. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Verdict } from "../../core/finding.ts";
import { utf8 } from "../../core/bytes.ts";
import { type Advisory } from "../advisories/advisory.ts";
import { parseCve5 } from "../advisories/import/cve5.ts";
import { parseOsv } from "../advisories/import/osv.ts";
import { ask, before, from, nvd, through, verdicts } from "../../../test/support/matching.ts";

const git = (vendor: string, target = "*"): Advisory =>
  nvd(`cpe:2.3:a:${vendor}:git:*:*:*:*:*:${target}:*:*`, { versionEndExcluding: "4.0" });
test("jenkins:git is not git, with and without its target_sw; git-scm:git is", () => {
  assert.deepEqual(verdicts(from("git-2.42.0"), git("jenkins", "jenkins")), []);
  assert.deepEqual(verdicts(from("git-2.42.0"), git("jenkins")), []);
  assert.deepEqual(verdicts(from("git-2.42.0"), git("git-scm", "jenkins")), []);
  assert.deepEqual(verdicts(from("git-2.42.0"), git("git-scm")), ["affected"]);
});

test("153.0 is not below 153.0.0", () => {
  assert.deepEqual(verdicts(from("firefox-153.0"), before("mozilla", "firefox", "153.0.0")), [
    "not-affected",
  ]);
  assert.deepEqual(verdicts(from("firefox-152.0.1"), before("mozilla", "firefox", "153.0.0")), ["affected"]);
});

test("OpenSSH 8.5p1 is 8.5", () => {
  const found = from("openssh-8.5p1");
  assert.deepEqual(verdicts(found, before("openbsd", "openssh", "8.5")), ["not-affected"]);
  assert.deepEqual(verdicts(found, before("openbsd", "openssh", "8.5p1")), ["not-affected"]);
  assert.deepEqual(verdicts(found, through("openbsd", "openssh", "8.5")), ["affected"]);
  assert.deepEqual(verdicts(found, before("openbsd", "openssh", "8.10p1")), ["affected"]);
  assert.deepEqual(verdicts(from("openssh-8.4p1"), nvd("cpe:2.3:a:openbsd:openssh:8.5:p1:*:*:*:*:*:*")), [
    "not-affected",
  ]);
  assert.deepEqual(verdicts(found, nvd("cpe:2.3:a:openbsd:openssh:8.5:p1:*:*:*:*:*:*")), ["affected"]);
});

test("a patch level above an inclusive end: nobody can tell, as sudo 1.9.5p2 fixed what 1.9.5 had", () => {
  assert.deepEqual(verdicts(from("sudo-1.9.5p2"), through("sudo_project", "sudo", "1.9.5")), ["unknown"]);
  assert.deepEqual(verdicts(from("sudo-1.9.5p1"), before("sudo_project", "sudo", "1.9.5p2")), ["affected"]);
  assert.deepEqual(verdicts(from("sudo-1.9.5p2"), before("sudo_project", "sudo", "1.9.5p2")), [
    "not-affected",
  ]);
});

test("patches behind nixpkgs' version are no release: glibc 2.39-52 may have what 2.39 had", () => {
  assert.deepEqual(verdicts(from("glibc-2.39-52"), through("gnu", "glibc", "2.39")), ["unknown"]);
  assert.deepEqual(verdicts(from("glibc-2.39-52"), before("gnu", "glibc", "2.40")), ["affected"]);
  assert.deepEqual(verdicts(from("glibc-2.40-1"), through("gnu", "glibc", "2.39")), ["not-affected"]);
});

test("other builds of one source share its vulnerabilities", () => {
  for (const name of ["git-minimal-2.42.0", "git-with-svn-2.42.0", "git-minimal-unwrapped-2.42.0"])
    assert.deepEqual(verdicts(from(name), git("git-scm")), ["affected"], name);
  assert.deepEqual(verdicts(from("git-minimal-2.42.0"), git("jenkins")), []);
  assert.deepEqual(verdicts(from("systemd-minimal-255.4"), before("systemd_project", "systemd", "256")), [
    "affected",
  ]);
});

test("a package built for another machine, and one that is called by its tag, are that package", () => {
  for (const name of [
    "zlib-aarch64-unknown-linux-gnu-1.2",
    "zlib-static-x86_64-unknown-linux-musl-1.2",
    "zlib-armv7l-unknown-linux-gnueabihf-1.2",
    "zlib-v1.2",
  ])
    assert.deepEqual(verdicts(from(name), before("zlib", "zlib", "1.3")), ["affected"], name);
});

test("a day is no release, neither before nor after one; among days it has its place", () => {
  assert.deepEqual(verdicts(from("zlib-2022-10-01"), before("zlib", "zlib", "1.3")), ["unknown"]);
  assert.deepEqual(verdicts(from("zlib-2022-10-01"), before("zlib", "zlib", "2022-11-01")), ["affected"]);
  assert.deepEqual(verdicts(from("zlib-2022-10-01"), before("zlib", "zlib", "2022-09-01")), ["not-affected"]);
  assert.deepEqual(verdicts(from("zlib-1.2"), before("zlib", "zlib", "2022-09-01")), ["unknown"]);
});

test("a record that names no vendor is not silent, and accuses nobody", () => {
  for (const product of [
    { vendor: "n/a", product: "xz" },
    { collectionURL: "https://example.org/", packageName: "xz" },
  ])
    assert.deepEqual(
      verdicts(from("xz-5.6.1"), cve5({ ...product, versions: [{ version: "5.6.1", status: "affected" }] })),
      ["unknown"],
    );
  assert.deepEqual(
    verdicts(
      from("glibc-2.38"),
      cve5({
        vendor: "The GNU C Library",
        product: "glibc",
        versions: [{ version: "2.1.93", lessThan: "2.40", status: "affected", versionType: "custom" }],
      }),
    ),
    ["affected"],
  );
});

test("a vendor that a bill of materials guesses hides nothing", () => {
  const found = from("glibc-2.38", { cpes: ["cpe:2.3:a:glibc:glibc:2.38:*:*:*:*:*:*:*"] });
  assert.deepEqual(verdicts(found, before("gnu", "glibc", "2.39")), ["affected"]);
});

test("bash's patch level in both spellings of nixpkgs", () => {
  for (const name of ["bash-4.4-p22", "bash-4.4p22", "bash-interactive-4.4-p22"]) {
    assert.deepEqual(verdicts(from(name), before("gnu", "bash", "4.4p23")), ["affected"], name);
    assert.deepEqual(verdicts(from(name), before("gnu", "bash", "4.4p22")), ["not-affected"], name);
  }
});

function cve5(...affected: readonly object[]): Advisory {
  return parseCve5(
    utf8(
      JSON.stringify({
        dataType: "CVE_RECORD",
        dataVersion: "5.1",
        cveMetadata: { cveId: "CVE-2026-0004", state: "PUBLISHED" },
        containers: { cna: { descriptions: [{ lang: "en", value: "x" }], affected } },
      }),
    ),
  );
}

const kernel = parseCve5(
  utf8(
    JSON.stringify({
      dataType: "CVE_RECORD",
      dataVersion: "5.1",
      cveMetadata: { cveId: "CVE-2026-0002", state: "PUBLISHED" },
      containers: {
        cna: {
          descriptions: [{ lang: "en", value: "In the Linux kernel" }],
          affected: [
            {
              vendor: "Linux",
              product: "Linux",
              defaultStatus: "unaffected",
              versions: [
                { version: "1da177e4c3f4", lessThan: "2cd1f9d5a1b2", status: "affected", versionType: "git" },
              ],
            },
            {
              vendor: "Linux",
              product: "Linux",
              defaultStatus: "affected",
              versions: [
                { version: "4.19", status: "affected" },
                { version: "0", lessThan: "4.19", status: "unaffected", versionType: "semver" },
                {
                  version: "5.10.198",
                  lessThanOrEqual: "5.10.*",
                  status: "unaffected",
                  versionType: "semver",
                },
                {
                  version: "6.6",
                  lessThanOrEqual: "*",
                  status: "unaffected",
                  versionType: "original_commit_for_fix",
                },
              ],
            },
          ],
        },
      },
    }),
  ),
);

test("the kernel is a package, by the ranges of its own authority: branches, defaults, commits beside", () => {
  const answers: Readonly<Record<string, Verdict>> = {
    "linux-4.18.20": "not-affected",
    "linux-4.19": "affected",
    "linux-5.10.197": "affected",
    "linux-5.10.198": "not-affected",
    "linux-5.10.250-modules": "not-affected",
    "linux-5.15.100": "affected",
    "linux-6.6.8": "not-affected",
    "linux-rt-6.1.70-rt21": "affected",
    "linux-6.6.8-modules-shrunk": "not-affected",
  };
  for (const [name, answer] of Object.entries(answers))
    assert.deepEqual(verdicts(from(name), kernel), [answer], name);
  assert.deepEqual(
    verdicts(
      from("linux-6.5"),
      nvd("cpe:2.3:o:linux:linux_kernel:*:*:*:*:*:*:*:*", { versionEndExcluding: "6.6" }),
    ),
    ["affected"],
  );
});

test("a patch with the CVE in its name is a fix; of another CVE it is none", () => {
  const advisory = before("gnu", "tar", "2.0");
  const patched = (...patches: string[]) => ask(from("gnutar-1.34", { patches }), advisory).findings[0]!;
  assert.equal(patched("CVE-2026-0001.patch").verdict, "not-affected");
  assert.match(
    patched("fix-cve-2026-0001-part-1.diff").evidence!,
    /fix-cve-2026-0001-part-1\.diff is applied/,
  );
  assert.equal(patched("CVE-2025-9999_CVE-2026-0001.patch").because, "patch");
  assert.equal(patched("CVE-2026-00012.patch", "other.patch").verdict, "affected");
  assert.match(ask(from("gnutar-1.34"), advisory).findings[0]!.evidence!, /patches are not visible/);
});

test("names with a plus", () => {
  assert.deepEqual(
    verdicts(
      from("gtk+3-3.24.38"),
      nvd("cpe:2.3:a:gtk:gtk\\+:*:*:*:*:*:*:*:*", { versionEndExcluding: "3.24.40" }),
    ),
    ["affected"],
  );
  assert.deepEqual(
    verdicts(
      from("notepad++-8.5"),
      nvd("cpe:2.3:a:notepad++:notepad\\+\\+:*:*:*:*:*:*:*:*", { versionEndExcluding: "8.6" }),
    ),
    ["affected"],
  );
});

test("a pre-release is before its release", () => {
  for (const [name, answer] of [
    ["zlib-1.3rc1", "affected"],
    ["zlib-1.3-rc.1", "affected"],
    ["zlib-1.3", "not-affected"],
    ["zlib-1.3.0.1", "not-affected"],
  ] as const)
    assert.deepEqual(verdicts(from(name), before("zlib", "zlib", "1.3")), [answer], name);
});

test("a snapshot after a release: the fix may be in it, unless the release before it has it already", () => {
  const advisory = before("zlib", "zlib", "1.3");
  for (const [name, answer] of [
    ["zlib-1.2-unstable-2024-05-01", "unknown"],
    ["zlib-unstable-2024-05-01", "unknown"],
    ["zlib-0-unstable-2024-05-01", "unknown"],
    ["zlib-1.3-unstable-2024-05-01", "not-affected"],
  ] as const)
    assert.deepEqual(verdicts(from(name), advisory), [answer], name);
  assert.deepEqual(verdicts(from("zlib-1.2-unstable-2024-05-01"), through("zlib", "zlib", "1.4")), [
    "affected",
  ]);
});

test("a program for Windows is not ours, by target_sw and by platform", () => {
  const any = "cpe:2.3:a:zlib:zlib:*:*:*:*:*";
  assert.deepEqual(verdicts(from("zlib-1.2"), nvd(`${any}:windows:*:*`)), []);
  assert.deepEqual(
    verdicts(from("zlib-1.2"), nvd(`${any}:*:*:*`, {}, "cpe:2.3:o:microsoft:windows:-:*:*:*:*:*:*:*")),
    [],
  );
  assert.deepEqual(
    verdicts(from("zlib-1.2"), nvd(`${any}:*:*:*`, {}, "cpe:2.3:o:linux:linux_kernel:-:*:*:*:*:*:*:*")),
    ["affected"],
  );
});

test("nothing but a common name is unknown, and counts as not covered", () => {
  const report = ask(from("dashboard-1.0"), before("somevendor", "dashboard", "2.0"));
  assert.equal(report.findings[0]!.verdict, "unknown");
  assert.equal(report.findings[0]!.because, "weak-evidence");
  assert.deepEqual(report.coverage, { packages: 1, known: 0, percent: 0, others: 0 });
});

const osv = (ecosystem: string, name: string): Advisory =>
  parseOsv(
    utf8(
      JSON.stringify({
        id: "GHSA-aaaa-bbbb-cccc",
        modified: "2026-01-01T00:00:00Z",
        affected: [
          {
            package: { ecosystem, name },
            ranges: [{ type: "ECOSYSTEM", events: [{ introduced: "0" }, { fixed: "2.32" }] }],
          },
        ],
      }),
    ),
  );

test("a library of a language is that language's: PyPI's requests is no program of that name", () => {
  assert.deepEqual(verdicts(from("python3.11-requests-2.31.0"), osv("PyPI", "Requests")), ["affected"]);
  assert.deepEqual(verdicts(from("requests-2.31.0"), osv("PyPI", "Requests")), []);
  assert.deepEqual(verdicts(from("python3.11-requests-2.31.0"), osv("npm", "requests")), []);
  assert.deepEqual(verdicts(from("requests-2.31.0"), osv("Debian:12", "requests")), []);
});
