import assert from "node:assert/strict";
import { test } from "node:test";
import { fixedKey } from "../../../test/support/ssh-artifacts.ts";
import { base64, concat } from "../../core/bytes.ts";
import { string } from "../../ssh/wire.ts";
import { formatPublicKey } from "../../ssh/public-key-line.ts";
import { decideChange, type ChangeEvidence } from "./decide-change.ts";
import { parsePolicy } from "./policy.ts";
import { refuse } from "./refusal.ts";

const key = (number: number) => formatPublicKey(fixedKey(number).publicKey);
/** The holder of the private half can sign for both. */
function asToken(number: number): string {
  const { publicKey } = fixedKey(number);
  assert.ok(publicKey.type === "ssh-ed25519");
  const type = "sk-ssh-ed25519@openssh.com";
  return `${type} ${base64(concat(string(type), string(publicKey.point), string("ssh:")))}`;
}

const text = `version = 1
threshold = 2
authorities = ["${key(9)}"]
[members.alice]
keys = ["${key(1)} a comment", "${key(2)}"]
rights = ["commit", "merge", "policy"]
paths = ["**"]
[members.bob]
keys = ["${key(3)}"]
rights = ["commit", "policy"]
paths = ["docs/**"]
[members.carol]
keys = []
rights = ["commit"]
[forges.hub]
keys = ["${key(4)}"]
`;

test("a policy names members, their keys and their paths", async () => {
  const { threshold, members, signers, forges } = await parsePolicy(text);
  assert.deepEqual([threshold, [...members.keys()]], [2, ["alice", "bob", "carol"]]);
  assert.deepEqual(members.get("carol")?.paths, []);
  assert.deepEqual(
    signers.ssh.map(({ principals, certAuthority }) => [principals, certAuthority]),
    [
      ["alice", false],
      ["alice", false],
      ["alice", true],
      ["bob", false],
      ["bob", true],
      ["carol", true],
    ],
  );
  assert.equal(forges?.ssh.length, 1);
});

for (const [name, broken] of [
  ["another version", text.replace("version = 1", "version = 2")],
  ["no version", text.replace("version = 1", "")],
  ["a threshold that nobody can reach", text.replace("threshold = 2", "threshold = 3")],
  ["no threshold", text.replace("threshold = 2", "threshold = 0")],
  ["an unknown key", `deny = []\n${text}`],
  ["an unknown key of a member", text.replace("paths = [", "except = [")],
  ["an unknown right", text.replace('"merge"', '"root"')],
  ["a name with a pattern", text.replace("members.bob", 'members."b*"')],
  ["two names in one", text.replace("members.bob", 'members."bob,alice"')],
  ["a key of two members", text.replace(key(3), key(1))],
  ["a key of two members, once as that of a token", text.replace(key(3), asToken(1))],
  ["a member's key with a forge", text.replace(key(4), key(1))],
  ["a path that leaves the tree", text.replace("docs/**", "../**")],
  ["a key that is none", text.replace(key(3), "ssh-ed25519 AAAA")],
  ["keys that are no list", text.replace("keys = []", 'keys = ""')],
  ["no TOML", `${text}[`],
] as const) {
  test(`no policy: ${name}`, async () => {
    assert.notEqual(broken, text);
    await assert.rejects(parsePolicy(broken), { name: "NixsealError" });
  });
}

test("the decision on a change, case by case", async () => {
  const policy = await parsePolicy(text);
  const by = (principal: string) => ({ accepted: true, principal, key: "SHA256:x", rights: null }) as const;
  const evidence: ChangeEvidence = {
    signer: by("alice"),
    forge: null,
    isMerge: false,
    paths: ["docs/a"],
    policyFile: "same",
    approvers: new Set(),
    reproduced: false,
  };
  const change = { paths: ["trust/policy.toml"], policyFile: "changed" } as const;
  const none = refuse("unknown-signer", "x");
  for (const [fields, expected] of [
    [{}, "accepted"],
    [{ signer: none }, "unknown-signer"],
    [{ signer: none, forge: none, reproduced: true }, "unknown-signer"],
    [{ signer: none, forge: by("hub") }, "forge-content"],
    [{ signer: none, forge: by("hub"), reproduced: true }, "accepted"],
    [{ signer: none, forge: by("hub"), reproduced: true, ...change }, "right"],
    [{ signer: { ...by("alice"), rights: ["commit"] } }, "accepted"],
    [{ signer: { ...by("alice"), rights: ["policy"] } }, "right"],
    [{ signer: { ...by("alice"), rights: ["commit"] }, isMerge: true }, "right"],
    [{ signer: { ...by("alice"), rights: ["commit"] }, ...change, approvers: new Set(["bob"]) }, "right"],
    [{ signer: { ...by("alice"), rights: ["policy"] }, ...change, approvers: new Set(["bob"]) }, "accepted"],
    [{ signer: by("mallory") }, "unknown-signer"],
    [{ signer: by("bob") }, "accepted"],
    [{ signer: by("bob"), isMerge: true }, "right"],
    [{ signer: by("bob"), paths: ["docs"] }, "right"],
    [{ signer: by("bob"), paths: ["docs/a", "x"] }, "right"],
    [{ signer: by("carol") }, "right"],
    [{ signer: by("carol"), paths: [] }, "accepted"],
    [{ signer: by("carol"), ...change }, "right"],
    [{ ...change }, "approvals"],
    [{ ...change, approvers: new Set(["alice"]) }, "approvals"],
    [{ ...change, approvers: new Set(["carol", "mallory"]) }, "approvals"],
    [{ ...change, approvers: new Set(["bob"]) }, "accepted"],
    [
      { ...change, paths: ["trust/policy.toml", "x"], signer: by("bob"), approvers: new Set(["alice"]) },
      "right",
    ],
    [{ policyFile: "removed" }, "no-policy"],
    [{ policyFile: "broken", approvers: new Set(["bob"]) }, "no-policy"],
  ] as const) {
    const decision = decideChange({ ...evidence, ...fields }, policy);
    assert.equal(decision.accepted ? "accepted" : decision.code, expected, JSON.stringify(fields));
  }
});
