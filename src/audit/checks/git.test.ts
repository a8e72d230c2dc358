import { testFixtures } from "../../../test/support/audit.ts";
import { gitChecks } from "./git.ts";

testFixtures(gitChecks, {
  GIT001: {
    bad: [{ "x.nix": '{ a = "\u202e"; }' }],
    good: [{ "x.nix": '{ a = "שלום"; }' }, { "x.md": "\u202e" }],
  },
  GIT002: {
    bad: [{ "x.toml": "<<<<<<< HEAD\na\n=======\nb\n>>>>>>> other\n" }],
    good: [{ "x.toml": "a = 1\n# =======\n" }, { "x.md": "<<<<<<< HEAD\n>>>>>>> x\n" }],
  },
  GIT003: {
    bad: [
      { ".gitmodules": '[submodule "a"]\n\turl = http://example.org/a\n' },
      { ".gitmodules": "\turl = git://example.org/a\n" },
    ],
    good: [
      { ".gitmodules": "\turl = https://example.org/a\n" },
      { ".gitmodules": "\turl = ../a\n" },
      { "x.txt": "url = http://a" },
    ],
  },
  GIT004: {
    bad: [{ a: "-> /etc/passwd" }, { "d/a": "-> ../../x" }, { a: "-> .." }],
    good: [{ "d/a": "-> ../b" }, { result: "-> /nix/store/x" }],
  },
  GIT005: {
    bad: [{ ".gitattributes": "*.key filter=git-crypt diff=git-crypt\n", "a/b.key": "plain" }],
    good: [
      { ".gitattributes": "*.key filter=git-crypt\n", "a.key": "\0GITCRYPT\0xxx" },
      { ".gitattributes": "*.key text\n", "a.key": "plain" },
      {
        ".gitattributes": "secrets/** filter=git-crypt\nsecrets/README !filter\n",
        "secrets/README": "plain",
      },
    ],
  },
  GIT006: {
    bad: [{ "secrets.yaml.orig": "x" }, { ".x.nix.swp": "x" }, { "a.nix~": "x" }],
    good: [{ "x.nix": "1" }, { origin: "1" }],
  },
});
