/** Attacks by what is put into the store. */
import { verdictOf, type Attack } from "../attack.ts";
import { contentAddressedSystem, labSystem, plantedSudo } from "../systems.ts";

const attackers = /PLANTED|evil/;

export const planting: Attack = {
  name: "planting",
  what: "a member who may only upload sends a 'sudo' of their own under the path that the next deployment will use",
  plain: "succeeds",
  run: async (target, { people: { alice, bob, mallory } }) => {
    const sent = await target.send(mallory, [plantedSudo(target.root)]);
    const order = await target.order(labSystem(target.root, "one"), [alice, bob]);
    const deployed = await target.deploy(order);
    const verdict = await verdictOf(target, attackers, [sent, deployed]);
    if (verdict.kind === "succeeded") return verdict;
    // Not only was the attacker's content not run: the honest one must be what is there and what ran.
    const ran = await target.ran();
    if (!deployed.accepted || !ran.includes("sudo honest"))
      return { kind: "not-tried", why: `the honest deployment failed: ${deployed.said}` };
    return { kind: "stopped", by: `${sent.said}; the deployment brought what was ordered` };
  },
};

export const plantedEarlier: Attack = {
  name: "planted-earlier",
  what: "the attacker's 'sudo' is in the store already, from before there was a gate",
  plain: "succeeds",
  run: async (target, { people: { alice, bob } }) => {
    const planted = plantedSudo(target.root);
    const forced = await target.plant(planted);
    if (!forced.accepted) return { kind: "not-tried", why: `it could not be planted: ${forced.said}` };
    const order = await target.order(labSystem(target.root, "one"), [alice, bob]);
    const deployed = await target.deploy(order);
    const verdict = await verdictOf(target, attackers, [deployed]);
    if (verdict.kind === "succeeded" || !deployed.accepted) return verdict;
    const honest = order.system.closure[0]!;
    const repaired =
      (await target.narHashOf(honest)) === (await target.narHashOf(planted)) ? "" : "repaired: ";
    return {
      kind: "stopped",
      by: `${repaired}the stock client was told that the path is missing, and its copy took the place`,
    };
  },
};

export const contentAddressed: Attack = {
  name: "content-addressed",
  what: "a system of the attacker's that needs no signature, since its path follows from its content, is switched to",
  plain: "succeeds",
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
  plain: "succeeds",
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
  plain: "succeeds",
  run: async (target, { people: { alice, bob, mallory } }) => {
    const system = labSystem(target.root, "one");
    const order = await target.order(system, [alice, bob]);
    const prepared = await target.prepareOrder(order);
    if (!prepared.accepted)
      return { kind: "not-tried", why: `the deployment could not begin: ${prepared.said}` };
    const collected = await target.collectGarbage();
    if (!collected.accepted) return { kind: "not-tried", why: `the collector failed: ${collected.said}` };
    const gone = (await target.narHashOf(system.closure[0]!)) === null;
    // With the toplevel, which is public: else there would be nothing to activate.
    const planted = await target.send(mallory, [plantedSudo(target.root), system.toplevel]);
    const activated = await target.finishOrder(order);
    const verdict = await verdictOf(target, attackers, [activated]);
    if (verdict.kind === "succeeded" || gone) return verdict;
    return { kind: "stopped", by: `a root of the collector kept what was checked; ${planted.said}` };
  },
};
