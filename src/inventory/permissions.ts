import type { Files } from "../core/file-ports.ts";
import type { Fleet } from "./model.ts";
import type { Problem, TomlPath } from "./problem.ts";

/**
 * Files on this machine that others may write or read although the fleet's safety rests on them. Identity files are
 * paths on the hosts; this looks at those that exist here too.
 */
export async function reviewPermissions(
  files: Pick<Files, "status">,
  directory: string,
  fleet: Fleet,
): Promise<Problem[]> {
  const problems: Problem[] = [];
  const check = async (
    path: string,
    bits: number,
    severity: Problem["severity"],
    says: string,
    file: string,
    place: TomlPath = [],
  ): Promise<void> => {
    const status = await files.status(path);
    if (status === null || (status.mode & bits) === 0) return;
    const take = bits === 0o077 ? "go=" : bits === 0o022 ? "go-w" : "o-w";
    problems.push({
      id: "permissions",
      severity,
      file,
      path: place,
      message: `${says} (mode ${octal(status.mode)})`,
      hint: `chmod ${take} ${path}`,
    });
  };
  // Who can write these chooses the keys that secrets are encrypted to, or swaps one ciphertext for another.
  for (const file of fleet.files)
    await check(
      `${directory}/${file}`,
      0o002,
      "high",
      "every user of this machine can change the inventory",
      file,
    );
  await check(
    `${directory}/secrets`,
    0o022,
    "high",
    "others than the owner can change what lies in secrets/",
    "secrets",
  );
  const identities = new Map<string, { file: string; place: TomlPath }>();
  for (const host of fleet.hosts.values())
    for (const [index, path] of host.identities.entries())
      identities.set(path, { file: host.file, place: ["hosts", host.name, "identities", index] });
  for (const [path, { file, place }] of identities)
    await check(
      path,
      0o077,
      "high",
      `others than the owner can reach the private key ${path} on this machine`,
      file,
      place,
    );
  return problems;
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}
