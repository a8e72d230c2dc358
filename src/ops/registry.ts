import type { AnyOp } from "./op.ts";

/** A line a verb. The import is lazy: `--help` loads no schema and no cryptography. */
export interface Entry {
  readonly summary: string;
  readonly load: () => Promise<AnyOp>;
}

/** The nouns, in the order of the help page. */
export const nouns: Readonly<Record<string, string>> = {
  init: "make a fleet in this directory",
  host: "the machines of the fleet",
  member: "who signs and who reads secrets",
  fleet: "check the inventory, print its schema",
  secrets: "values that only their hosts and readers can decrypt",
  trust: "the root of the fleet, certificates of its members, revocation",
  commits: "who signed the history, and whether they may",
  warrant: "signed orders: which closure a host may activate",
  gate: "what only a host's gate may decide: offer, activate, confirm",
  deploy: "from a selection of hosts to running systems: plan, apply, watch, go back",
  log: "what was decided and done, and whether somebody changed it",
  ci: "workflows that verify and build, and what they may do",
  audit: "what is wrong with a repository, a closure or a host, without logging in anywhere",
  waive: "live with a finding of an audit until a day",
  advisories: "vulnerabilities: import, sign, follow a feed, match a closure",
  notices: "what the last look at this machine found",
  age: "encrypt and decrypt files in the format of age(1)",
  ssh: "signatures, certificates and revocation lists of OpenSSH, checked strictly",
  nix: "Nix's formats: archives, hashes, derivations, versions, the language",
  completion: "completions for your shell",
};

/** Every verb of `nixseal`, as `noun verb` or as one word. */
export const registry: Readonly<Record<string, Entry>> = {
  init: {
    summary: "make fleet.toml with the first member, in a new or existing repository",
    load: () => import("./init.ts").then((module) => module.init),
  },
  "host add": {
    summary: "add a machine by its SSH host key",
    load: () => import("./host/add.ts").then((module) => module.hostAdd),
  },
  "host list": {
    summary: "list hosts",
    load: () => import("./host/list.ts").then((module) => module.hostList),
  },
  "host show": {
    summary: "show a host, its keys and its secrets",
    load: () => import("./host/show.ts").then((module) => module.hostShow),
  },
  "host remove": {
    summary: "take a host out of the fleet and of selectors",
    load: () => import("./host/remove.ts").then((module) => module.hostRemove),
  },
  "host rename": {
    summary: "rename a host, also in selectors",
    load: () => import("./host/rename.ts").then((module) => module.hostRename),
  },
  "host setup": {
    summary: "what makes a host one with a gate: print it, or write it into a root",
    load: () => import("./host/setup.ts").then((module) => module.hostSetup),
  },
  "member add": {
    summary: "add a member by an SSH public key",
    load: () => import("./member/add.ts").then((module) => module.memberAdd),
  },
  "member list": {
    summary: "list members",
    load: () => import("./member/list.ts").then((module) => module.memberList),
  },
  "member show": {
    summary: "show a member and what they read",
    load: () => import("./member/show.ts").then((module) => module.memberShow),
  },
  "member remove": {
    summary: "take a member out of the fleet and of selectors",
    load: () => import("./member/remove.ts").then((module) => module.memberRemove),
  },
  "fleet check": {
    summary: "validate all that needs no secret and no network",
    load: () => import("./fleet/check.ts").then((module) => module.fleetCheck),
  },
  "fleet schema": {
    summary: "print the JSON Schema of fleet.toml",
    load: () => import("./fleet/schema.ts").then((module) => module.fleetSchema),
  },
  "secrets set": {
    summary: "give a secret a value",
    load: () => import("./secrets/set.ts").then((module) => module.set),
  },
  "secrets get": {
    summary: "print a value",
    load: () => import("./secrets/get.ts").then((module) => module.get),
  },
  "secrets edit": {
    summary: "change a value in your editor, in memory only",
    load: () => import("./secrets/edit.ts").then((module) => module.edit),
  },
  "secrets list": {
    summary: "list the secrets of the fleet and their state",
    load: () => import("./secrets/list.ts").then((module) => module.list),
  },
  "secrets show": {
    summary: "show who can read a secret, where it goes and how old it is",
    load: () => import("./secrets/show.ts").then((module) => module.show),
  },
  "secrets remove": {
    summary: "take a secret out of the inventory, with its files",
    load: () => import("./secrets/remove.ts").then((module) => module.remove),
  },
  "secrets rename": {
    summary: "give a secret another name",
    load: () => import("./secrets/rename.ts").then((module) => module.rename),
  },
  "secrets check": {
    summary: "check recipients, completeness and age, without any key",
    load: () => import("./secrets/check.ts").then((module) => module.check),
  },
  "secrets rekey": {
    summary: "encrypt what is out of date to the recipients of the inventory",
    load: () => import("./secrets/rekey.ts").then((module) => module.rekey),
  },
  "secrets import": {
    summary: "take over the secrets of agenix, SOPS or nix-infra",
    load: () => import("./secrets/import.ts").then((module) => module.importSecrets),
  },
  "secrets manifest": {
    summary: "print what a host installs",
    load: () => import("./secrets/manifest.ts").then((module) => module.manifest),
  },
  "secrets push": {
    summary: "give hosts new values for secrets of their systems, by a signed order and without a deployment",
    load: () => import("./secrets/push.ts").then((module) => module.push),
  },
  "secrets with": {
    summary: "run a command that finds values in memory, here or on a builder, and nowhere afterwards",
    load: () => import("./secrets/with.ts").then((module) => module.withSecrets),
  },
  "trust init": {
    summary: "make the root: who signs what, from now on",
    load: () => import("./trust/init.ts").then((module) => module.trustInit),
  },
  "trust show": {
    summary: "verify the root and show it",
    load: () => import("./trust/show.ts").then((module) => module.trustShow),
  },
  "trust sign": {
    summary: "add your signature to a root that waits for it",
    load: () => import("./trust/sign.ts").then((module) => module.trustSign),
  },
  "trust rotate": {
    summary: "make the root's next version",
    load: () => import("./trust/rotate.ts").then((module) => module.trustRotate),
  },
  "trust export": {
    summary: "write root, signers, CA and revocations for stock tools",
    load: () => import("./trust/export.ts").then((module) => module.trustExport),
  },
  "trust issue": {
    summary: "give a member a certificate with rights on hosts",
    load: () => import("./trust/issue.ts").then((module) => module.trustIssue),
  },
  "trust revoke": {
    summary: "revoke a member, a certificate or a key",
    load: () => import("./trust/revoke.ts").then((module) => module.trustRevoke),
  },
  "commits verify": {
    summary: "judge every commit of a range by who signed it",
    load: () => import("./commits/verify.ts").then((module) => module.verify),
  },
  "commits approve": {
    summary: "agree to a change of the policy, or to a branch going back",
    load: () => import("./commits/approve.ts").then((module) => module.approve),
  },
  "warrant create": {
    summary: "make the next warrant for a host, to be signed",
    load: () => import("./warrant/create.ts").then((module) => module.warrantCreate),
  },
  "warrant sign": {
    summary: "add your signature to a warrant",
    load: () => import("./warrant/sign.ts").then((module) => module.warrantSign),
  },
  "warrant verify": {
    summary: "say whether a host would accept a warrant, and why not",
    load: () => import("./warrant/verify.ts").then((module) => module.warrantVerify),
  },
  "warrant show": {
    summary: "show what a warrant orders, who signed and what changes",
    load: () => import("./warrant/show.ts").then((module) => module.warrantShow),
  },
  "gate offer": {
    summary: "tell a host of a warrant, so that it takes its paths",
    load: () => import("./gate/offer.ts").then((module) => module.gateOffer),
  },
  "gate activate": {
    summary: "activate what a warrant orders, and confirm that the host can be reached",
    load: () => import("./gate/activate.ts").then((module) => module.gateActivate),
  },
  "gate confirm": {
    summary: "confirm a system that was activated by other means",
    load: () => import("./gate/confirm.ts").then((module) => module.gateConfirm),
  },
  "gate revert": {
    summary: "undo an activation that waits for its confirmation",
    load: () => import("./gate/revert.ts").then((module) => module.gateRevert),
  },
  "gate status": {
    summary: "what a host's gate has accepted, and what is under way",
    load: () => import("./gate/status.ts").then((module) => module.gateStatus),
  },
  "deploy plan": {
    summary: "what would change on each host, as text or as a plan to keep",
    load: () => import("./deploy/plan.ts").then((module) => module.deployPlan),
  },
  "deploy apply": {
    summary: "sign, send, activate and confirm, wave after wave",
    load: () => import("./deploy/apply.ts").then((module) => module.deployApply),
  },
  "deploy status": {
    summary: "what each host runs, and by which order",
    load: () => import("./deploy/status.ts").then((module) => module.deployStatus),
  },
  "deploy rollback": {
    summary: "order once more what ran before",
    load: () => import("./deploy/rollback.ts").then((module) => module.deployRollback),
  },
  "deploy publish": {
    summary: "write orders and systems where hosts that pull find them",
    load: () => import("./deploy/publish.ts").then((module) => module.deployPublish),
  },
  "deploy receipts": {
    summary: "take in what pulling hosts have signed: verify it, into the log and receipts/",
    load: () => import("./deploy/receipts.ts").then((module) => module.deployReceipts),
  },
  "deploy watch": {
    summary: "follow a rollout to its end",
    load: () => import("./deploy/watch.ts").then((module) => module.deployWatch),
  },
  "bundle create": {
    summary: "one file with an order and its system, for a host without a network",
    load: () => import("./bundle/create.ts").then((module) => module.bundleCreate),
  },
  "bundle show": {
    summary: "whether a bundle is whole, and what it orders",
    load: () => import("./bundle/show.ts").then((module) => module.bundleShow),
  },
  "bundle receipt": {
    summary: "verify what a host brought back, and add it to the log",
    load: () => import("./bundle/receipt.ts").then((module) => module.bundleReceipt),
  },
  "log show": {
    summary: "the newest entries of the log",
    load: () => import("./log/show.ts").then((module) => module.logShow),
  },
  "log verify": {
    summary: "find entries that were changed, dropped, reordered or cut off",
    load: () => import("./log/verify.ts").then((module) => module.logVerify),
  },
  "ci init": {
    summary: "write workflows and SECURITY.md from the fleet's policy",
    load: () => import("./ci/init.ts").then((module) => module.ciInit),
  },
  "ci check": {
    summary: "compare workflows and SECURITY.md with the policy",
    load: () => import("./ci/check.ts").then((module) => module.ciCheck),
  },
  audit: {
    summary: "look for what is wrong with a repository, a closure or a host",
    load: () => import("./audit/audit.ts").then((module) => module.audit),
  },
  waive: {
    summary: "live with a finding of an audit until a day, with a reason",
    load: () => import("./audit/waive.ts").then((module) => module.waive),
  },
  "advisories update": {
    summary: "fetch and verify a feed of advisories",
    load: () => import("./advisories/update.ts").then((module) => module.update),
  },
  "advisories status": {
    summary: "say how old the advisories are and what is in them",
    load: () => import("./advisories/status.ts").then((module) => module.status),
  },
  "advisories match": {
    summary: "match a closure, an SBOM or a flake.lock against the advisories",
    load: () => import("./advisories/match.ts").then((module) => module.match),
  },
  "advisories import": {
    summary: "add advisories of OSV, CVE, NVD, KEV, EPSS or VEX to a collection",
    load: () => import("./advisories/import.ts").then((module) => module.importAdvisories),
  },
  "advisories export": {
    summary: "write the feed as one file, or advisories as OSV, CSAF or OpenVEX",
    load: () => import("./advisories/export.ts").then((module) => module.exportAdvisories),
  },
  "advisories root": {
    summary: "draft whose signatures a feed needs",
    load: () => import("./advisories/root.ts").then((module) => module.root),
  },
  "advisories publish": {
    summary: "draft a feed's next version",
    load: () => import("./advisories/publish.ts").then((module) => module.publish),
  },
  "advisories sign": {
    summary: "sign drafts; what is complete goes in place",
    load: () => import("./advisories/sign.ts").then((module) => module.sign),
  },
  notices: {
    summary: "show what 'nixseal-agent watch' found on this machine, or print a shell hook for it",
    load: () => import("./notices.ts").then((module) => module.notices),
  },
  "age encrypt": {
    summary: "encrypt a file to keys or to a passphrase",
    load: () => import("./age/encrypt.ts").then((module) => module.encrypt),
  },
  "age decrypt": {
    summary: "decrypt a file",
    load: () => import("./age/decrypt.ts").then((module) => module.decrypt),
  },
  "age inspect": {
    summary: "show what an age file tells without a key",
    load: () => import("./age/inspect.ts").then((module) => module.inspect),
  },
  "ssh verify": {
    summary: "verify a signature as ssh-keygen -Y verify, more strictly",
    load: () => import("./ssh/verify.ts").then((module) => module.verify),
  },
  "ssh find-principals": {
    summary: "say whose key made a signature",
    load: () => import("./ssh/find-principals.ts").then((module) => module.findPrincipals),
  },
  "ssh show-cert": {
    summary: "print what a certificate says",
    load: () => import("./ssh/show-cert.ts").then((module) => module.showCert),
  },
  "ssh krl-test": {
    summary: "say whether keys or certificates are revoked",
    load: () => import("./ssh/krl-test.ts").then((module) => module.krlTest),
  },
  "nix nar-hash": {
    summary: "print the NAR hash of a file system object",
    load: () => import("./nix/nar-hash.ts").then((module) => module.narHash),
  },
  "nix nar-ls": {
    summary: "list what is in a NAR",
    load: () => import("./nix/nar-ls.ts").then((module) => module.narLs),
  },
  "nix nar-unpack": {
    summary: "unpack a NAR to a path that does not exist",
    load: () => import("./nix/nar-unpack.ts").then((module) => module.narUnpack),
  },
  "nix nar-verify": {
    summary: "check that a NAR is whole and canonical",
    load: () => import("./nix/nar-verify.ts").then((module) => module.narVerify),
  },
  "nix hash-convert": {
    summary: "write a hash in another format",
    load: () => import("./nix/hash-convert.ts").then((module) => module.hashConvert),
  },
  "nix drv-show": {
    summary: "show a .drv file as JSON",
    load: () => import("./nix/drv-show.ts").then((module) => module.drvShow),
  },
  "nix narinfo": {
    summary: "read a .narinfo file and verify its signatures",
    load: () => import("./nix/narinfo.ts").then((module) => module.narinfo),
  },
  "nix store-path": {
    summary: "compute the store path of a content address",
    load: () => import("./nix/store-path.ts").then((module) => module.storePath),
  },
  "nix compare-versions": {
    summary: "order two versions as Nix does",
    load: () => import("./nix/compare-versions.ts").then((module) => module.compareVersions),
  },
  "nix parse-name": {
    summary: "split a package's name and version as Nix does",
    load: () => import("./nix/parse-name.ts").then((module) => module.parseName),
  },
  "nix parse": {
    summary: "check the syntax of Nix files, without Nix",
    load: () => import("./nix/parse.ts").then((module) => module.parse),
  },
  completion: {
    summary: "print the completion script for bash, zsh or fish",
    load: () => import("./completion.ts").then((module) => module.completion),
  },
};
