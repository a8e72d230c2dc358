import type { Fleet, HostName, Secret } from "./model.ts";
import type { Problem } from "./problem.ts";
import { hostsOf } from "./recipients.ts";

/** Who holds a place (a path, a credential of a unit) on which host. */
type Holders = ReadonlyMap<string, ReadonlyMap<HostName, Secret>>;

/** Secrets that would take the same place on one host: the same path, a path inside another, the same credential. */
export function reviewCollisions(fleet: Fleet): Problem[] {
  const secrets = [...fleet.secrets.values()];
  const known = new Set(secrets.map((secret) => secret.path));
  const nested = (secret: Secret): string[] => parents(secret.path).filter((parent) => known.has(parent));
  const outer = new Set(secrets.flatMap(nested));

  const paths = holders(fleet, secrets, (secret) => secret.path, outer);
  const credentials = holders(fleet, secrets, credentialOf, new Set());
  return secrets.flatMap((secret) => [
    ...[secret.path, ...nested(secret)].flatMap((path) => pathProblem(fleet, paths, secret, path)),
    ...credentialProblem(fleet, credentials, secret),
  ]);
}

function pathProblem(fleet: Fleet, paths: Holders, secret: Secret, path: string): Problem[] {
  const clash = clashAt(fleet, paths, secret, path);
  if (clash === undefined) return [];
  const how = secret.path === path ? "has the path" : "lies inside the path";
  return [
    {
      id: "same-path",
      severity: "high",
      file: secret.file,
      path: ["secrets", secret.name, "path"],
      message: `'${secret.name}' ${how} of '${clash.other.name}' (${clash.other.file}), and both are on '${clash.host}'`,
      hint: "give one of them another path",
    },
  ];
}

function credentialProblem(fleet: Fleet, credentials: Holders, secret: Secret): Problem[] {
  const place = credentialOf(secret);
  const clash = place === null ? undefined : clashAt(fleet, credentials, secret, place);
  if (clash === undefined) return [];
  return [
    {
      id: "same-credential",
      severity: "high",
      file: secret.file,
      path: ["secrets", secret.name, "credential"],
      message: `'${secret.name}' and '${clash.other.name}' are the same credential ${place} on '${clash.host}'`,
      hint: "give one of them another name",
    },
  ];
}

function credentialOf({ credential }: Secret): string | null {
  return credential === null ? null : `${credential.name} of ${credential.unit}`;
}

/** Every directory above the path. */
function parents(path: string): string[] {
  const parts = path.split("/");
  return parts.slice(2).map((_, index) => parts.slice(0, index + 2).join("/"));
}

/**
 * The first secret on each host, for the places that more than one secret wants and for those in `also`. One pass:
 * comparing pairs would take minutes where thousands of hosts have a secret each at one path, which is common.
 */
function holders(
  fleet: Fleet,
  secrets: readonly Secret[],
  placeOf: (secret: Secret) => string | null,
  also: ReadonlySet<string>,
): Holders {
  const counts = new Map<string, number>();
  for (const secret of secrets) {
    const place = placeOf(secret);
    if (place !== null) counts.set(place, (counts.get(place) ?? 0) + 1);
  }
  const result = new Map<string, Map<HostName, Secret>>();
  for (const secret of secrets) {
    const place = placeOf(secret);
    if (place === null || (counts.get(place) === 1 && !also.has(place))) continue;
    const byHost = result.get(place) ?? new Map<HostName, Secret>();
    result.set(place, byHost);
    for (const host of hostsOf(fleet, secret)) if (!byHost.has(host.name)) byHost.set(host.name, secret);
  }
  return result;
}

function clashAt(
  fleet: Fleet,
  places: Holders,
  secret: Secret,
  place: string,
): { host: HostName; other: Secret } | undefined {
  const byHost = places.get(place);
  if (byHost === undefined) return undefined;
  for (const host of hostsOf(fleet, secret)) {
    const other = byHost.get(host.name);
    if (other !== undefined && other !== secret) return { host: host.name, other };
  }
  return undefined;
}
