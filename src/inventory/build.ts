import { NixsealError } from "../core/errors.ts";
import { parseSelectorEntry } from "./selector-entry.ts";
import type {
  Check,
  DeployDefaults,
  Fleet,
  Generator,
  Host,
  HostName,
  Member,
  MemberName,
  Secret,
  SecretName,
  SharedState,
  SshKey,
} from "./model.ts";
import { seconds } from "./field-rules.ts";
import { shown, type Problem, type TomlPath } from "./problem.ts";
import type { FleetFile, HostTable, MemberTable, SecretTable } from "./schema.ts";
import { hostPopulation, memberPopulation, readSelector, type SelectorFault } from "./selectors.ts";
import { fleetFileName } from "./sources.ts";
import { readSshKey } from "./ssh-key.ts";

/** A file whose shape is right. */
export interface ShapedFile {
  readonly file: string;
  readonly value: Pick<FleetFile, "hosts" | "members" | "secrets"> &
    Partial<Pick<FleetFile, "fleet" | "state" | "deploy">>;
}

/** The directory on a host where its secrets appear. */
const secretsDirectory = "/run/nixseal/secrets";

/** Makes the model of shaped files, and lists what no schema can say: broken keys, repeats, selectors without a match. */
export function buildFleet(files: readonly ShapedFile[]): { fleet: Fleet; problems: Problem[] } {
  const problems: Problem[] = [];
  const report: Report = (file, id, path, message, hint) => {
    problems.push({ id, severity: "high", file, path, message, hint });
  };
  const keys = (file: string, path: TomlPath, texts: readonly string[]): SshKey[] =>
    texts.flatMap((text, index) => {
      if (isKeyFile(text)) return [];
      try {
        return readSshKey(text);
      } catch (error) {
        if (!(error instanceof NixsealError)) throw error;
        report(file, "bad-value", [...path, index], `found ${shown(text)}: ${error.message}`, error.hint);
        return [];
      }
    });
  const add = <K extends string, T extends { file: string }>(
    into: Map<K, T>,
    table: string,
    name: string,
    file: string,
    make: () => T,
  ): void => {
    const other = into.get(name as K);
    if (other === undefined) into.set(name as K, make());
    else
      report(
        file,
        "duplicate",
        [table, name],
        `[${table}.${name}] is in ${other.file} already`,
        "keep one of the two",
      );
  };

  const top = files.find(({ value }) => value.fleet !== undefined);
  const authorities = keys(top?.file ?? fleetFileName, ["fleet", "host_ca"], top?.value.fleet?.host_ca ?? []);
  const hosts = new Map<HostName, Host>();
  const members = new Map<MemberName, Member>();
  for (const { file, value } of files) {
    for (const [name, table] of Object.entries(value.hosts))
      add(hosts, "hosts", name, file, () =>
        hostOf(name, file, table, keys(file, ["hosts", name, "host_keys"], table.host_keys), authorities),
      );
    for (const [name, table] of Object.entries(value.members))
      add(members, "members", name, file, () =>
        memberOf(name, file, table, keys(file, ["members", name, "keys"], table.keys)),
      );
  }
  const secrets = new Map<SecretName, Secret>();
  const people = {
    hosts,
    members,
    tags: byLabel(hosts.values(), (host) => host.tags),
    groups: byLabel(members.values(), (member) => member.groups),
  };
  const faults = (file: string, path: TomlPath, list: readonly SelectorFault[]): void => {
    for (const fault of list) report(file, "selector", [...path, fault.index], fault.message, fault.hint);
  };
  for (const { file, value } of files)
    for (const [name, table] of Object.entries(value.secrets)) {
      faults(file, ["secrets", name, "hosts"], readSelector(hostPopulation(people), table.hosts).faults);
      faults(
        file,
        ["secrets", name, "readers"],
        readSelector(memberPopulation(people), table.readers ?? []).faults,
      );
      add(secrets, "secrets", name, file, () => secretOf(name, file, table));
      if (table.path !== undefined && !isSecretPath(table.path, name))
        report(
          file,
          "bad-value",
          ["secrets", name, "path"],
          `'${table.path}' is not a place for '${name}'`,
          `below /run/nixseal only '${secretsDirectory}/${name}' is possible, and nothing in /nix/store`,
        );
    }
  const name = top?.value.fleet?.name ?? null;
  const state = stateOf(files[0]?.value.state, report);
  const deploy = deployOf(files[0]?.value.deploy, report);
  return {
    fleet: { name, ...people, secrets, deploy, state, files: files.map(({ file }) => file) },
    problems,
  };
}

type Report = (file: string, id: Problem["id"], path: TomlPath, message: string, hint?: string) => void;

function deployOf(table: FleetFile["deploy"], report: Report): DeployDefaults {
  const checks = (table?.checks ?? []).flatMap(({ command, url }, index): Check[] => {
    if (command !== undefined && url === undefined && command.length > 0)
      return [{ kind: "command", words: command }];
    if (url !== undefined && command === undefined) return [{ kind: "url", url }];
    report(fleetFileName, "bad-value", ["deploy", "checks", index], "a check is either a command or a url");
    return [];
  });
  return {
    canary: table?.canary ?? 1,
    waves: table?.waves ?? [],
    soak: seconds(table?.soak ?? "0s"),
    failures: table?.failures ?? 0,
    onFailure: table?.on_failure ?? "stop",
    parallel: table?.parallel ?? 8,
    checks,
  };
}

function stateOf(table: FleetFile["state"], report: Report): SharedState | null {
  if (table === undefined) return null;
  const { directory, etcd, authorities } = table;
  const wrong = (message: string, hint: string): void =>
    report(fleetFileName, "bad-value", ["state"], message, hint);
  if (directory !== undefined && etcd.length > 0)
    wrong("[state] names a directory and etcd", "state lies in one place: keep one of them");
  if (etcd.length > 0 !== (authorities !== undefined))
    wrong(
      "[state] needs both etcd and authorities, or neither",
      "no cluster is believed without its authorities",
    );
  if (etcd.length > 0) return { kind: "etcd", endpoints: etcd, authorities: authorities ?? "" };
  return directory === undefined ? null : { kind: "directory", path: directory };
}

/** Its place in the tree of secrets, or outside of that tree and of the store, which everybody can read. */
function isSecretPath(path: string, name: string): boolean {
  if (path === `${secretsDirectory}/${name}`) return true;
  const within = (inner: string, outer: string): boolean => inner === outer || inner.startsWith(`${outer}/`);
  return !within(path, "/run/nixseal") && !within("/run/nixseal", path) && !within(path, "/nix/store");
}

function hostOf(
  name: string,
  file: string,
  table: HostTable,
  hostKeys: SshKey[],
  authorities: readonly SshKey[],
): Host {
  return {
    name: name as HostName,
    file,
    address: table.address ?? name,
    port: table.port,
    user: table.user ?? null,
    hostKeys,
    authorities,
    principal: table.principal ?? table.address ?? name,
    recipients: table.recipients.map(recipient),
    identities: table.identities,
    tags: table.tags,
    system: table.system ?? null,
  };
}

function memberOf(name: string, file: string, table: MemberTable, keys: SshKey[]): Member {
  return {
    name: name as MemberName,
    file,
    keys,
    keyFiles: table.keys.filter(isKeyFile),
    recipients: table.recipients.map(recipient),
    groups: table.groups,
  };
}

/** OpenPGP certificates lie in files; everything else is the key itself. */
function isKeyFile(text: string): boolean {
  return text.startsWith("trust/keys/");
}

function secretOf(name: string, file: string, table: SecretTable): Secret {
  const { owner, group, mode, restart, reload, stage } = table;
  return {
    name: name as SecretName,
    file,
    hosts: table.hosts.flatMap((text) => parseSelectorEntry(text) ?? []),
    readers: table.readers?.flatMap((text) => parseSelectorEntry(text) ?? []) ?? null,
    owner,
    group,
    mode,
    path: table.path ?? `${secretsDirectory}/${name}`,
    restart,
    reload,
    stage,
    credential: table.credential ?? null,
    generator: generatorOf(table.generator),
    maxAge: table.max_age === undefined ? null : seconds(table.max_age),
    together: table.together ?? null,
  };
}

function generatorOf(table: SecretTable["generator"]): Generator | null {
  if (table === undefined) return null;
  const { kind, ...settings } = table;
  return { kind, settings };
}

/** SSH recipients lose their comment: it says nothing to age, and two spellings of one key are one recipient. */
function recipient(text: string): string {
  return text.startsWith("age1") ? text : text.split(" ", 2).join(" ");
}

function byLabel<T>(subjects: Iterable<T>, labels: (subject: T) => readonly string[]): Map<string, T[]> {
  const map = new Map<string, T[]>();
  for (const subject of subjects)
    for (const label of new Set(labels(subject))) {
      const list = map.get(label);
      if (list === undefined) map.set(label, [subject]);
      else list.push(subject);
    }
  return map;
}
