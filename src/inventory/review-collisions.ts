import type { Fleet, Secret } from "./model.ts";
import type { Problem } from "./problem.ts";
import { hostsOf } from "./recipients.ts";

/** Secrets that would take the same place on one host: the same path, a path inside another, the same credential. */
export function reviewCollisions(fleet: Fleet): Problem[] {
  const byPath = grouped(fleet.secrets.values(), (secret) => secret.path);
  const byCredential = grouped(
    fleet.secrets.values(),
    ({ credential }) => credential && `${credential.unit}/${credential.name}`,
  );
  const problems: Problem[] = [];
  for (const secret of fleet.secrets.values()) {
    for (const other of [
      ...before(byPath, secret.path, secret),
      ...parents(secret.path).flatMap((path) => byPath.get(path) ?? []),
    ]) {
      const host = sharedHost(fleet, secret, other);
      if (host === undefined) continue;
      const how = secret.path === other.path ? "has the path" : "lies inside the path";
      problems.push({
        id: "same-path",
        severity: "high",
        file: secret.file,
        path: ["secrets", secret.name, "path"],
        message: `'${secret.name}' ${how} of '${other.name}' (${other.file}), and both are on '${host}'`,
        hint: "give one of them another path",
      });
    }
    const { credential } = secret;
    if (credential === null) continue;
    for (const other of before(byCredential, `${credential.unit}/${credential.name}`, secret)) {
      const host = sharedHost(fleet, secret, other);
      if (host === undefined) continue;
      problems.push({
        id: "same-credential",
        severity: "high",
        file: secret.file,
        path: ["secrets", secret.name, "credential"],
        message: `'${secret.name}' and '${other.name}' are both the credential '${credential.name}' of ${credential.unit} on '${host}'`,
        hint: "give one of them another name",
      });
    }
  }
  return problems;
}

/** Every directory above the path. */
function parents(path: string): string[] {
  const parts = path.split("/");
  return parts.slice(2).map((_, index) => parts.slice(0, index + 2).join("/"));
}

/** Those of one group that come before the secret, so that each pair is reported once. */
function before(
  groups: ReadonlyMap<string, readonly Secret[]>,
  key: string,
  secret: Secret,
): readonly Secret[] {
  const group = groups.get(key) ?? [];
  return group.slice(0, group.indexOf(secret));
}

function grouped(secrets: Iterable<Secret>, key: (secret: Secret) => string | null): Map<string, Secret[]> {
  const groups = new Map<string, Secret[]>();
  for (const secret of secrets) {
    const text = key(secret);
    if (text !== null) groups.set(text, [...(groups.get(text) ?? []), secret]);
  }
  return groups;
}

function sharedHost(fleet: Fleet, a: Secret, b: Secret): string | undefined {
  const names = new Set(hostsOf(fleet, a).map((host) => host.name));
  return hostsOf(fleet, b).find((host) => names.has(host.name))?.name;
}
