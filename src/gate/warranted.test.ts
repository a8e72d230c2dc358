import assert from "node:assert/strict";
import { test } from "node:test";
import { GateHost } from "../../test/support/gate-host.ts";
import { noConfirmation, offering, outcomeOf, told } from "../../test/support/gate-orders.ts";
import { alice, bob, later, signed } from "../../test/support/warrants.ts";
import { sha256 } from "../nix/hash.ts";
import { offer } from "./activate/offer.ts";
import { Authority } from "./import/authority.ts";
import { pendingDigests } from "./pending.ts";

test("an offer that a newer order has passed over says nothing about what runs, and waits no longer", async (t) => {
  const host = await GateHost.make(t, noConfirmation);
  const own = await host.warrant(host.new, { notBefore: later(-0.5) });
  const library = own.warrant.paths.find(({ path }) => path !== host.new)!;
  // The group's order is older, names the same path with other content, and was never activated.
  const paths = own.warrant.paths.map((one) =>
    one === library ? { ...one, narHash: sha256("other") } : one,
  );
  const fields = { subject: { kind: "group", name: "edge" }, notBefore: later(-1), paths } as const;
  const former = await signed({ ...own.warrant, ...fields }, alice, bob);
  const wanted = async () => {
    const { files, clock } = host.gate();
    return (await Authority.read({ files, clock }, host.paths, host.config)).forPath(library.path);
  };
  assert.equal(await told(() => offer(host.gate(), offering(former))), "ok");
  assert.equal((await wanted()).envelope.digest, former.digest);
  assert.equal(await outcomeOf(host, own), "active");
  assert.deepEqual(await pendingDigests(host.gate().files, host.paths), [former.digest]);
  const { envelope, active } = await wanted();
  assert.deepEqual([envelope.digest, active], [own.digest, true]);

  const next = await host.warrant(host.old, { seq: 2, prev: own.digest, notBefore: later(-0.25) });
  assert.equal(await told(() => offer(host.gate(), offering(next))), "ok");
  assert.deepEqual(await pendingDigests(host.gate().files, host.paths), [next.digest]);
});
