import assert from "node:assert/strict";
import { test } from "node:test";
import { fleetOf, keyLine } from "../../test/support/fleets.ts";
import { NixsealError } from "../core/errors.ts";
import { identitiesOf } from "./identities.ts";
import type { Fleet, HostName, Secret, SecretName } from "./model.ts";
import { recipientsOf, secretsOf } from "./recipients.ts";
import { oneHost } from "./selectors.ts";

const ecdsa =
  "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBGsX0fLhLEJH+Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT+NC4v4af5uO5+tKfA+eFivOM1drMV7Oy7ZAaDe/UfU=";

const fleet = await fleetOf(`
[hosts.lufta]
host_keys = ["${keyLine("lufta")}", "${ecdsa}"]
[hosts.ilma]
host_keys = ["${keyLine("ilma")}"]
recipients = ["age1tpm1qqqqqqqqqq"]
tags = ["web"]
[hosts.bare]
host_keys = ["${ecdsa}"]
[hosts.sealed]
recipients = ["age1tpm1qqqqqqqqqq"]
identities = ["/etc/age/host", "/etc/age/host", "/etc/age/old"]
[members.bob]
keys = ["${keyLine("bob")} bob@laptop", "${keyLine("bob")} again"]
[members.alice]
keys = ["${keyLine("alice")}"]
recipients = ["age1yubikey1qqqqqqqqqq"]
groups = ["infra"]
[members.signer]
keys = ["${ecdsa}"]
[secrets.all]
hosts = ["lufta", "tag:web"]
[secrets.some]
hosts = ["lufta"]
readers = ["group:infra"]
[secrets.none]
readers = []
[secrets.toBare]
hosts = ["bare"]
[secrets.toSigner]
readers = ["signer"]
[secrets.people]
`);

function secret(name: string, from: Fleet = fleet): Secret {
  return from.secrets.get(name as SecretName)!;
}

const refused = (code: string, message: RegExp) => (error: unknown) =>
  error instanceof NixsealError &&
  error.code === code &&
  message.test(error.message) &&
  error.hint !== undefined;

test("hosts and readers, sorted, by their recipients or the keys that age can encrypt to", () => {
  assert.deepEqual(recipientsOf(fleet, secret("all")), [
    { name: "host:ilma", recipient: "age1tpm1qqqqqqqqqq" },
    { name: "host:lufta", recipient: keyLine("lufta") },
    { name: "member:alice", recipient: "age1yubikey1qqqqqqqqqq" },
    { name: "member:bob", recipient: keyLine("bob") },
  ]);
  assert.deepEqual(
    recipientsOf(fleet, secret("some")).map(({ name }) => name),
    ["host:lufta", "member:alice"],
  );
  assert.deepEqual(
    recipientsOf(fleet, secret("people")).map(({ name }) => name),
    ["member:alice", "member:bob"],
  );
});

test("leaving somebody out is an error, and so is nobody", () => {
  assert.throws(() => recipientsOf(fleet, secret("toBare")), refused("config", /host 'bare' has no key/));
  assert.throws(
    () => recipientsOf(fleet, secret("toSigner")),
    refused("config", /member 'signer' has no key/),
  );
  assert.throws(() => recipientsOf(fleet, secret("none")), refused("config", /nobody could read/));
});

test("the secrets of a host, sorted", () => {
  assert.deepEqual(
    secretsOf(fleet, oneHost(fleet, "lufta")).map(({ name }) => name),
    ["all", "some"],
  );
  assert.deepEqual(secretsOf(fleet, fleet.hosts.get("sealed" as HostName)!), []);
});

test("identities are given, or follow from the types of the host keys", () => {
  assert.deepEqual(identitiesOf(oneHost(fleet, "lufta")), ["/etc/ssh/ssh_host_ed25519_key"]);
  assert.deepEqual(identitiesOf(oneHost(fleet, "ilma")), ["/etc/ssh/ssh_host_ed25519_key"]);
  assert.deepEqual(identitiesOf(oneHost(fleet, "sealed")), ["/etc/age/host", "/etc/age/old"]);
  assert.throws(
    () => identitiesOf(oneHost(fleet, "bare")),
    refused("config", /neither identities nor a host key/),
  );
});
