import { join } from "node:path";
import { at, NixsealError } from "../../core/errors.ts";
import type { Finding } from "../../core/finding.ts";
import type { Files } from "../../core/file-ports.ts";
import { isArmored } from "../age/armor.ts";
import { version } from "../age/header.ts";
import { parseRecord, recordLimit } from "./record.ts";
import { secretsDirectory } from "./stored-secret.ts";

const allowedBeside = new Set([".gitignore", ".gitattributes", "README.md"]);
const leftover = /^\..+\.[0-9a-f]{12}\.tmp$/;
const start = 4096;

type Look = Pick<Files, "list" | "statusOfLink" | "stream" | "read">;

/** What lies under `secrets/` and should not, at any depth: files of no declared secret, and what is not encrypted. */
export async function checkDirectory(
  files: Look,
  directory: string,
  declared: ReadonlySet<string>,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const below = [secretsDirectory];
  for (let parent = below.shift(); parent !== undefined; parent = below.shift())
    findings.push(...(await checkNames(files, directory, parent, declared, below)));
  return findings;
}

/** The directories that it meets are added to `below`. */
async function checkNames(
  files: Look,
  directory: string,
  parent: string,
  declared: ReadonlySet<string>,
  below: string[],
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const name of await namesIn(files, join(directory, parent))) {
    const file = `${parent}/${name}`;
    const status = await files.statusOfLink(join(directory, file));
    if (status === null && name.includes("\ufffd")) findings.push(nameFinding(file));
    if (status === null || allowedBeside.has(name)) continue;
    if (status.kind === "directory") below.push(file);
    if (leftover.test(name)) findings.push(leftoverFinding(file));
    else if (status.kind === "symlink") findings.push(symlinkFinding(file));
    else if (status.kind === "file")
      findings.push(...(await checkReadable(files, directory, file, declared)));
    if ((status.mode & 0o022) !== 0 && status.kind !== "symlink") findings.push(writableFinding(file));
  }
  return findings;
}

/** What cannot be read might be anything: that is a finding, and the others are still looked at. */
async function checkReadable(
  files: Look,
  directory: string,
  file: string,
  declared: ReadonlySet<string>,
): Promise<Finding[]> {
  try {
    return await checkFile(files, directory, file, declared);
  } catch (error) {
    if (!(error instanceof NixsealError) || error.code !== "io") throw error;
    return [
      { id: "unreadable", severity: "high", file, message: `${file}: ${error.message}`, hint: error.hint },
    ];
  }
}

async function checkFile(
  files: Look,
  directory: string,
  file: string,
  declared: ReadonlySet<string>,
): Promise<Finding[]> {
  const [, secret, kind] = /^secrets\/([^/]*)\.(age|json)$/.exec(file) ?? [];
  if (kind === "json" && declared.has(secret!)) return []; // looked at with its secret
  const known = kind === "json" ? isRecord : isAgeFile;
  if (!(await known(files, join(directory, file))))
    return [
      {
        id: "plaintext",
        severity: "critical",
        file,
        ...(secret === undefined ? {} : { secret }),
        message: `${file} is not encrypted`,
        hint: "take it out of the repository and its history, and change what it holds: whoever has a clone has it",
      },
    ];
  if (secret !== undefined && declared.has(secret)) return [];
  const message = `${file} belongs to no secret in the inventory`;
  const hint = "declare it in fleet.toml, or remove the file";
  return [
    { id: "stray-file", severity: "low", file, ...(secret === undefined ? {} : { secret }), message, hint },
  ];
}

/** By its first bytes: a name that ends in `.age` encrypts nothing. */
async function isAgeFile(files: Look, path: string): Promise<boolean> {
  let head = Buffer.alloc(0);
  for await (const piece of files.stream(path)) {
    head = Buffer.concat([head, piece]).subarray(0, start);
    if (head.length === start) break;
  }
  const text = head.toString("latin1");
  if (text.startsWith(`${version}\n`)) return true;
  return isArmored(head) === true && text.includes("-----BEGIN AGE ENCRYPTED FILE-----");
}

/** A file that is called like a record and is none may hold anything. */
async function isRecord(files: Look, path: string): Promise<boolean> {
  try {
    parseRecord(await files.read(path, { limit: recordLimit, follow: false }), path);
    return true;
  } catch (error) {
    if (error instanceof NixsealError && (error.code === "malformed" || error.code === "limit")) return false;
    throw error;
  }
}

async function namesIn(files: Pick<Files, "list">, path: string): Promise<string[]> {
  try {
    return await files.list(path);
  } catch (error) {
    if (error instanceof NixsealError && error.code === "not-found") return [];
    throw at(error, { file: path });
  }
}

/** Node reads names as UTF-8 only: the file cannot even be opened. */
function nameFinding(file: string): Finding {
  return {
    id: "file-name",
    severity: "high",
    file,
    message: `${file} has a name that is not UTF-8, so nobody can say what it holds`,
    hint: "remove or rename it: no secret is called like that",
  };
}

function leftoverFinding(file: string): Finding {
  return {
    id: "leftover",
    severity: "low",
    file,
    message: `${file} was left by an interrupted write`,
    hint: "the next `nixseal secrets rekey` removes it when it is an hour old; it holds ciphertext only",
  };
}

function symlinkFinding(file: string): Finding {
  return {
    id: "symlink",
    severity: "medium",
    file,
    message: `${file} is a symlink`,
    hint: "put the file itself there: hosts and Nix take no symlinks",
  };
}

function writableFinding(file: string): Finding {
  return {
    id: "writable",
    severity: "medium",
    file,
    message: `${file} can be written by others`,
    hint: `chmod go-w ${file}`,
  };
}
