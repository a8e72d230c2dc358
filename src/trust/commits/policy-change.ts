/** What a change of the policy does, in words that an approver can judge. Pure. */
import type { Policy } from "./policy.ts";

/** A line for everything that is different, in a fixed order. */
export function describePolicyChange(before: Policy, after: Policy): string[] {
  const [old, current] = [statements(before), statements(after)];
  return [
    ...old.filter((line) => !current.includes(line)).map((line) => `- ${line}`),
    ...current.filter((line) => !old.includes(line)).map((line) => `+ ${line}`),
  ];
}

function statements({ threshold, members, signers, certificatesByRoot, forges }: Policy): string[] {
  const people = [...members].flatMap(([name, { rights, paths }]) => [
    `${name} has the rights ${[...rights].sort().join(", ") || "none"}`,
    ...paths.map((path) => `${name} may change ${path}`),
  ]);
  // A CA stands in the policy once and speaks for every member; the root's own are not written there.
  const authorities = new Set(
    signers.ssh.filter((one) => one.certAuthority).map((one) => one.key.fingerprint),
  );
  for (const { fingerprint } of signers.root?.ca.keys ?? []) authorities.delete(fingerprint);
  return [
    `${threshold} must agree to change the policy`,
    ...people,
    ...signers.ssh.flatMap(({ principals, key, certAuthority }) =>
      certAuthority ? [] : [`${principals} signs with ${key.fingerprint} (${key.type})`],
    ),
    ...(signers.openPgp?.owners ?? []).map(
      ({ principal, key }) => `${principal} signs with the OpenPGP key ${key}`,
    ),
    ...[...authorities].map((fingerprint) => `the CA ${fingerprint} signs for every member`),
    ...(certificatesByRoot ? ["the CAs of the fleet's root sign for every member"] : []),
    ...(forges?.ssh ?? []).map(
      ({ principals, key }) => `the forge ${principals} merges with ${key.fingerprint}`,
    ),
    ...(forges?.openPgp?.owners ?? []).map(
      ({ principal, key }) => `the forge ${principal} merges with the OpenPGP key ${key}`,
    ),
  ];
}
