/** Attacks by what is put into the store. */
import { typedNix32 } from "../../../nix/hash.ts";
import { verdictOf, verdictOfDeployment, type Attack } from "../attack.ts";
import { contentAddressedSystem, labSystem, plantedSudo } from "../systems.ts";

const attackers = /PLANTED|evil/;

export const planting: Attack = {
  name: "planting",
  what: "a member who may only upload sends a 'sudo' of their own under the path that the next deployment will use",
  run: async (target, { people: { alice, bob, mallory } }) => {
    const sent = await target.send(mallory, [plantedSudo(target.root)]);
    const order = await target.order(labSystem(target.root, "one"), [alice, bob]);
    const deployed = await target.deploy(order);
    return verdictOfDeployment(target, deployed, `${sent.said}; the deployment brought what was ordered`);
  },
};

export const plantedEarlier: Attack = {
  name: "planted-earlier",
  what: "the attacker's 'sudo' is in the store already, from before there was a gate",
  run: async (target, { people: { alice, bob } }) => {
    const planted = plantedSudo(target.root);
    const forced = await target.plant(planted);
    if (!forced.accepted) return { kind: "not-tried", why: `it could not be planted: ${forced.said}` };
    const order = await target.order(labSystem(target.root, "one"), [alice, bob]);
    const deployed = await target.deploy(order);
    const isThere = (await target.narHashOf(planted)) === typedNix32(planted.info.narHash);
    if (isThere) return { kind: "succeeded", how: "the attacker's content is still in the store" };
    const by =
      "the client was told that the path is missing, and what it sent took the place of what was planted";
    return verdictOfDeployment(target, deployed, by);
  },
};

export const contentAddressed: Attack = {
  name: "content-addressed",
  what: "a system of the attacker's that needs no signature, since its path follows from its content, is switched to",
  run: async (target, { people: { mallory } }) => {
    const system = contentAddressedSystem(target.root, "evil");
    const sent = await target.send(mallory, system.closure);
    const switched = await target.asRoot([
      `${system.toplevel.info.path}/bin/switch-to-configuration`,
      "switch",
    ]);
    const ordered =
      target.kind === "gate" ? [await target.deploy(await target.order(system, [mallory]))] : [];
    return verdictOf(target, attackers, [...ordered, switched, sent]);
  },
};

export const wildcardSudo: Attack = {
  name: "wildcard-sudo",
  what: "sudo rules with wildcards, meant for deployments, are used for a system that the attacker uploaded",
  run: async (target, { people: { mallory } }) => {
    const system = labSystem(target.root, "evil", plantedSudo(target.root));
    const sent = await target.send(mallory, system.closure);
    const { path } = system.toplevel.info;
    const replies = [
      await target.asRoot([`${path}/bin/switch-to-configuration`, "switch"]),
      await target.asRoot(["nix-env", "-p", "/nix/var/nix/profiles/system", "--set", path]),
      await target.asRoot(["/run/current-system/sw/bin/nixseal-agent", "activate", "--console", path]),
      await target.asRoot(["/run/current-system/sw/bin/nixseal-agent", "activate"]),
    ];
    return verdictOf(target, attackers, [...replies, sent]);
  },
};

export const gcRace: Attack = {
  name: "gc-race",
  what: "between check and activation the garbage collector removes what was checked, and the attacker puts theirs in its place",
  run: async (target, { people: { alice, bob, mallory } }) => {
    const system = labSystem(target.root, "one");
    const order = await target.order(system, [alice, bob]);
    const prepared = await target.prepareOrder(order);
    if (!prepared.accepted)
      return { kind: "not-tried", why: `the deployment could not begin: ${prepared.said}` };
    const collected = await target.collectGarbage();
    if (!collected.accepted) return { kind: "not-tried", why: `the collector failed: ${collected.said}` };
    const kept = (await target.narHashOf(system.closure[0]!)) !== null;
    // With the toplevel, which is public: else there would be nothing to activate.
    const planted = await target.send(mallory, [plantedSudo(target.root), system.toplevel]);
    const activated = await target.finishOrder(order);
    return verdictOfDeployment(
      target,
      activated,
      kept ? "a root of the collector kept what was checked" : planted.said,
    );
  },
};
